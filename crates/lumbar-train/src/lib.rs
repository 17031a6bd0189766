//! The training loop: loss, sampler, optimiser, schedule, checkpoints that resume exactly
