//! Rules on the manifests: third-party crates are named once, at the root, with a reason; lints are everybody's.

use toml::{Table, Value};

use crate::checkout::{Member, PREFIX};

const SECTIONS: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// Crates whose package is not named after their folder, whose dependencies have a version of their own, or that do
/// not take the lints of the workspace.
pub fn violations(members: &[Member]) -> Vec<String> {
    members.iter().flat_map(of_member).collect()
}

fn of_member(member: &Member) -> Vec<String> {
    let name = &member.name;
    let mut found = Vec::new();
    let package = member.package();
    if package != name && package.strip_prefix(PREFIX) != Some(name) {
        found.push(format!(
            "{name}/Cargo.toml: package `{package}` is not named after its folder ({PREFIX}{name})"
        ));
    }
    if !inherits(member.manifest.get("lints")) {
        found.push(format!("{name}/Cargo.toml: `[lints] workspace = true` is missing"));
    }
    found.extend(own_dependencies(&member.manifest).map(|dependency| {
        format!("{name}/Cargo.toml: `{dependency}` must be `{dependency}.workspace = true`, its version stands in the root manifest")
    }));
    found
}

fn inherits(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}

/// Dependencies that are not taken from the workspace.
fn own_dependencies(manifest: &Table) -> impl Iterator<Item = &str> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let per_target = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    let tables = std::iter::once(manifest).chain(per_target);
    let sections =
        tables.flat_map(|table| SECTIONS.iter().filter_map(|section| table.get(*section)?.as_table()));
    sections.flatten().filter(|(_, value)| !inherits(Some(value))).map(|(key, _)| key.as_str())
}

/// Groups (lines between blank lines) of `[workspace.dependencies]` in the root manifest's text that name third-party
/// crates and do not begin with a comment.
pub fn groups_without_reason(root: &str) -> Vec<String> {
    let section = root.split("\n[workspace.dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let groups = section.trim().split("\n\n");
    let bare = groups.filter(|group| !group.starts_with('#') && !group.lines().all(is_ours));
    let first_lines = bare.filter_map(|group| group.lines().find(|line| !is_ours(line)));
    first_lines
        .map(|line| {
            format!("Cargo.toml: the group of `{line}` does not begin with a comment that gives its reason")
        })
        .collect()
}

/// A crate of the workspace, or nothing.
fn is_ours(line: &str) -> bool {
    line.trim().is_empty() || line.contains("path = ")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use rstest::rstest;

    use super::*;

    const GOOD: &str = "package.name = 'ohmstead-web'\nlints.workspace = true\n";

    fn check(manifest: &str, expected: &Expect) {
        let member =
            Member { name: "web".to_owned(), folder: "web".into(), manifest: manifest.parse().unwrap() };
        expected.assert_eq(&violations(&[member]).join("\n"));
    }

    #[test]
    fn versions_stand_in_the_root_manifest() {
        check(&format!("{GOOD}dependencies.axum = {{ workspace = true, features = ['ws'] }}"), &expect![""]);
        check(
            &format!("{GOOD}dependencies.axum = '0.8'"),
            &expect![
                "web/Cargo.toml: `axum` must be `axum.workspace = true`, its version stands in the root manifest"
            ],
        );
        check(
            &format!("{GOOD}[target.'cfg(unix)'.dev-dependencies]\nrustix.path = '../rustix'"),
            &expect![
                "web/Cargo.toml: `rustix` must be `rustix.workspace = true`, its version stands in the root manifest"
            ],
        );
    }

    #[test]
    fn lints_and_names_follow_the_workspace() {
        check(
            "package.name = 'ohmstead-wep'\nlints.rust.unsafe_code = 'allow'",
            &expect![[r"
                web/Cargo.toml: package `ohmstead-wep` is not named after its folder (ohmstead-web)
                web/Cargo.toml: `[lints] workspace = true` is missing"]],
        );
    }

    #[rstest]
    #[case::ours_alone_need_none("ohmstead-a = { path = \"a\" }\nohmstead-b = { path = \"b\" }\n", "")]
    #[case::said("# Why.\na = \"1\"\nb = \"1\"\n", "")]
    #[case::second_group("# Why.\na = \"1\"\n\nb = \"1\"\n", "b = \"1\"")]
    #[case::under_ours("ohmstead-a = { path = \"a\" }\nb = \"1\"\n", "b = \"1\"")]
    #[case::other_sections_do_not_count("# Why.\na = \"1\"\n\n[profile.dev]\ndebug = 1\n", "")]
    fn a_group_of_crates_has_a_reason(#[case] section: &str, #[case] named: &str) {
        let found = groups_without_reason(&format!("[workspace]\n\n[workspace.dependencies]\n{section}"));
        assert_eq!(found.is_empty(), named.is_empty(), "{found:?}");
        assert!(found.iter().all(|line| line.contains(named)), "{found:?}");
    }
}
