//! Packs the built front end for the binary: each file of `assets/` as gzip, which is also how it is sent, and a table of
//! them that `src/assets.rs` includes.

use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> Result<(), Box<dyn Error>> {
    let assets = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("assets");
    let packed = PathBuf::from(std::env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed={}", assets.display());
    let mut names = Vec::new();
    list(&assets, &assets, &mut names)?;
    names.sort();
    let mut table = String::from("&[\n");
    for (number, name) in names.iter().enumerate() {
        let content = fs::read(assets.join(name))?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&content)?;
        fs::write(packed.join(format!("{number}.gz")), encoder.finish()?)?;
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let tag = format!("W/\"{:016x}\"", hasher.finish());
        let packed = format!(r#"include_bytes!(concat!(env!("OUT_DIR"), "/{number}.gz"))"#);
        writeln!(table, "    File {{ name: {name:?}, tag: {tag:?}, packed: {packed} }},")?;
    }
    table.push(']');
    fs::write(packed.join("assets.rs"), table)?;
    Ok(())
}

/// The files below `folder`, as paths from `root` with `/` between.
fn list(root: &Path, folder: &Path, names: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(root, &path, names)?;
            continue;
        }
        let parts: Vec<_> =
            path.strip_prefix(root)?.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        names.push(parts.join("/"));
    }
    Ok(())
}
