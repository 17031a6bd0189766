//! Pixels to model inputs: intensity, resampling, crops in mm, mini-stacks, mirroring, augmentation
