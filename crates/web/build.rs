//! Rebuilds the crate when the built front end changes: the embedding macro alone does not notice a new file.

fn main() {
    println!("cargo::rerun-if-changed=assets");
}
