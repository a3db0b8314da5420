//! Packs what the binary serves as it is: the built front end (`assets/`) and the description of the interface
//! (`openapi.json`), each file as gzip, which is also how it is sent, and a table of them that `src/assets.rs` includes.

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
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let packed = PathBuf::from(std::env::var("OUT_DIR")?);
    let (assets, description) = (root.join("assets"), root.join("openapi.json"));
    println!("cargo::rerun-if-changed={}", assets.display());
    println!("cargo::rerun-if-changed={}", description.display());
    let mut files = Vec::new();
    list(&assets, &assets, &mut files)?;
    files.push(("api/v1/openapi.json".to_owned(), description));
    files.sort();
    let mut table = String::from("&[\n");
    for (number, (name, path)) in files.iter().enumerate() {
        let content = fs::read(path)?;
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

/// The files below `folder`: their paths from `root` with `/` between, and where they are.
fn list(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(root, &path, files)?;
            continue;
        }
        let parts: Vec<_> =
            path.strip_prefix(root)?.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        files.push((parts.join("/"), path));
    }
    Ok(())
}
