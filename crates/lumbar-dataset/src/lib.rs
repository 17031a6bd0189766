//! Catalogue, labels, Parquet manifests, Arrow pixel shards, patient-grouped splits and the batch loader
