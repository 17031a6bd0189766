//! A study folder in, 25 grades out: the API other Rust programs embed
