//! `cargo xtask fuzz`: each target of `fuzz/` for a while, with coverage guiding it (libFuzzer through cargo-fuzz).
//!
//! The toolchain stays the ordinary one: `RUSTC_BOOTSTRAP=1` gives cargo-fuzz the flags it needs. No sanitizer: there is no
//! unsafe code of ours to look into. What a run finds it leaves in `fuzz/artifacts/`, what it learnt in `fuzz/corpus/`.

use anyhow::{Context as _, Result, bail};

use crate::{
    checkout::Checkout,
    console,
    process::{self, Tool},
};

/// A target, and the words that its inputs are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Target {
    name: &'static str,
    words: Option<&'static str>,
}

const TARGETS: &[Target] = &[
    Target { name: "marstek_datagram", words: None },
    Target { name: "voltronic_frame", words: Some("voltronic.dict") },
    Target { name: "voltronic_fields", words: Some("voltronic.dict") },
];

/// The names of the targets.
pub fn names() -> Vec<&'static str> {
    TARGETS.iter().map(|target| target.name).collect()
}

/// Runs one target, or all one after the other, each for so many seconds; an error when one finds something.
pub fn run(checkout: &Checkout, only: Option<&str>, seconds: u32) -> Result<()> {
    ready(checkout)?;
    for target in TARGETS.iter().filter(|target| only.is_none_or(|only| only == target.name)) {
        console::headline(&format!("{}: {seconds} s", target.name));
        let args = arguments(*target, seconds);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        Tool::new(checkout.root(), "cargo", &args).env("RUSTC_BOOTSTRAP", "1").run().with_context(|| {
            format!(
                "{} failed; if it found an input, that is in fuzz/artifacts/{}/, and its path behind \
                 `RUSTC_BOOTSTRAP=1 cargo fuzz run -s none {}` repeats it",
                target.name, target.name, target.name
            )
        })?;
    }
    Ok(())
}

fn ready(checkout: &Checkout) -> Result<()> {
    if !Tool::new(checkout.root(), "cargo", &["fuzz", "--version"]).works() {
        bail!("cargo-fuzz is missing. To have it:\n    cargo install --locked cargo-fuzz");
    }
    if !process::is_installed("c++") {
        bail!(
            "a C++ compiler is missing, libFuzzer is compiled from source. To have it:\n    sudo apt-get install g++"
        );
    }
    Ok(())
}

fn arguments(target: Target, seconds: u32) -> Vec<String> {
    let mut args: Vec<String> =
        ["fuzz", "run", "--sanitizer", "none", target.name, "--"].map(str::to_owned).to_vec();
    args.extend([format!("-max_total_time={seconds}"), "-timeout=10".into(), "-print_final_stats=1".into()]);
    args.extend(target.words.map(|words| format!("-dict=fuzz/{words}")));
    args
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;

    #[test]
    fn each_target_has_its_source_and_each_source_is_a_target() {
        let checkout = Checkout::of_this_build().unwrap();
        let folder = checkout.root().join("fuzz");
        let sources = fs::read_dir(folder.join("fuzz_targets")).unwrap();
        let sources: BTreeSet<String> = sources
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(sources, names().into_iter().map(str::to_owned).collect());
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        for target in TARGETS {
            assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "{}", target.name);
            assert!(target.words.is_none_or(|words| folder.join(words).is_file()), "{}", target.name);
        }
    }

    #[test]
    fn the_time_is_the_fuzzers_own() {
        let args = arguments(TARGETS[1], 5).join(" ");
        assert_eq!(
            args,
            "fuzz run --sanitizer none voltronic_frame -- -max_total_time=5 -timeout=10 -print_final_stats=1 \
             -dict=fuzz/voltronic.dict"
        );
    }
}
