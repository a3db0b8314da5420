//! The invariants of ARCHITECTURE.md, applied to this checkout.
#![expect(clippy::unwrap_used, reason = "a checkout that cannot be read fails the test, as it should")]

use std::path::Path;

use xtask::{
    checkout::{Checkout, SourceFile},
    figures::percentile,
    invariants::{arrows, manifests, sources, texts},
};

fn checkout() -> Checkout {
    Checkout::of_this_build().unwrap()
}

#[track_caller]
fn assert_kept(violations: &[String]) {
    assert!(violations.is_empty(), "{} violation(s):\n{}", violations.len(), violations.join("\n"));
}

/// The sources of every crate whose name passes.
fn sources_of(wanted: impl Fn(&str) -> bool) -> Vec<SourceFile> {
    let checkout = checkout();
    let members = checkout.members().unwrap();
    let wanted = members.iter().filter(|member| wanted(&member.name));
    let files: Vec<_> = wanted.flat_map(|member| checkout.sources(member).unwrap()).collect();
    assert!(!files.is_empty(), "no source found: the rule would hold of nothing");
    files
}

#[test]
fn crates_depend_along_the_arrows() {
    let checkout = checkout();
    assert_kept(&arrows::violations(&checkout.manifest().unwrap(), &checkout.members().unwrap()));
}

#[test]
fn dependencies_and_lints_come_from_the_workspace() {
    assert_kept(&manifests::violations(&checkout().members().unwrap()));
}

#[test]
fn every_group_of_third_party_crates_has_its_reason() {
    assert_kept(&manifests::groups_without_reason(&checkout().manifest_text().unwrap()));
}

#[test]
fn only_app_knows_of_the_demonstration() {
    let files = sources_of(|name| name != "app" && name != "xtask");
    assert_kept(&files.iter().flat_map(sources::mentions_of_demo).collect::<Vec<_>>());
}

#[test]
fn every_lint_exception_says_why() {
    let files = checkout().files().unwrap();
    let files = files.iter().filter(|file| Path::new(&file.path).extension().is_some_and(|it| it == "rs"));
    assert_kept(&files.flat_map(sources::exceptions_without_reason).collect::<Vec<_>>());
}

#[test]
fn no_source_file_is_too_long() {
    let files = sources_of(|_| true);
    let lengths: Vec<_> = files.iter().map(|file| file.text.lines().count()).collect();
    println!("{} files, median {:?} lines", files.len(), percentile(&lengths, 50));
    assert_kept(&files.iter().filter_map(sources::too_long).collect::<Vec<_>>());
    assert_kept(&sources::stale_exceptions(&files));
}

#[test]
fn nothing_hangs_on_one_machine_or_registry() {
    let files = checkout().files().unwrap();
    assert!(
        files.iter().any(|file| file.path == "Cargo.toml"),
        "the list of files is not that of the project"
    );
    assert_kept(&files.iter().flat_map(texts::violations).collect::<Vec<_>>());
}
