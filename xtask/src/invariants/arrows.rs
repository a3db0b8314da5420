//! Who may depend on whom. The arrows point one way: from the edges to `model` and `units`, and only `app` sees all.

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::checkout::{Member, PREFIX};

/// What one crate may depend on.
struct Row {
    name: &'static str,
    /// Crates of the workspace. Dev-dependencies may use `plant` besides.
    ours: &'static [&'static str],
    /// Third-party crates, for a crate that must stay free of I/O, runtimes and clocks. `None`: as it needs.
    outside: Option<&'static [&'static str]>,
}

const MODEL: &[&str] = &["model", "units"];

/// Every crate that there is or is going to be. `app` is the only one that may see the others.
const ROWS: &[Row] = &[
    Row { name: "units", ours: &[], outside: Some(&["serde"]) },
    Row { name: "model", ours: &["units"], outside: Some(&["serde", "thiserror"]) },
    Row { name: "outside", ours: &[], outside: Some(&["rustls", "rustls-native-certs", "serde"]) },
    Row { name: "drivers", ours: MODEL, outside: None },
    Row {
        name: "control",
        ours: &["model", "tariff", "units"],
        outside: Some(&["jiff", "serde", "thiserror"]),
    },
    Row { name: "insight", ours: MODEL, outside: Some(&["jiff", "serde", "thiserror"]) },
    Row { name: "tariff", ours: MODEL, outside: Some(&["jiff", "serde", "thiserror"]) },
    Row { name: "forecast", ours: MODEL, outside: Some(&["jiff", "serde", "thiserror"]) },
    Row {
        name: "planner",
        ours: MODEL,
        outside: Some(&["good_lp", "jiff", "microlp", "serde", "thiserror"]),
    },
    Row {
        name: "backtest",
        ours: &["control", "forecast", "model", "planner", "tariff", "units"],
        outside: Some(&["jiff", "serde", "thiserror"]),
    },
    Row { name: "outlook", ours: &["forecast", "model", "outside", "tariff", "units"], outside: None },
    Row { name: "history", ours: MODEL, outside: None },
    Row { name: "publish", ours: &["model", "outside", "units"], outside: None },
    Row { name: "notify", ours: MODEL, outside: None },
    Row { name: "fleet", ours: MODEL, outside: None },
    Row { name: "sinks", ours: &["model", "outside", "units"], outside: None },
    Row { name: "web", ours: MODEL, outside: None },
    Row {
        name: "config",
        ours: &[
            "control", "drivers", "fleet", "forecast", "history", "insight", "model", "notify", "outlook",
            "outside", "planner", "publish", "sinks", "tariff", "units", "web",
        ],
        outside: None,
    },
    Row { name: "plant", ours: MODEL, outside: None },
    Row {
        name: "app",
        ours: &[
            "backtest", "config", "control", "drivers", "fleet", "forecast", "history", "insight", "model",
            "notify", "outlook", "outside", "planner", "plant", "publish", "sinks", "tariff", "units", "web",
        ],
        outside: None,
    },
    Row { name: "xtask", ours: &[], outside: None },
];

/// The sections of a manifest that go into a build of the product.
const BUILD_SECTIONS: &[&str] = &["dependencies", "build-dependencies"];

/// Every dependency that no row allows, and every crate without a row. `root` is the root manifest.
pub fn violations(root: &Table, members: &[Member]) -> Vec<String> {
    members.iter().flat_map(|member| of_member(root, member)).collect()
}

fn of_member(root: &Table, member: &Member) -> Vec<String> {
    let name = member.name.as_str();
    let Some(row) = ROWS.iter().find(|row| row.name == name) else {
        return vec![format!(
            "crate `{name}` has no row in the table of arrows: decide what it may depend on, draw it in \
             ARCHITECTURE.md, and add the row to xtask/src/invariants/arrows.rs"
        )];
    };
    let built = dependencies(root, &member.manifest, BUILD_SECTIONS);
    let for_tests = dependencies(root, &member.manifest, &["dev-dependencies"]);
    let mut found = Vec::new();
    for package in &built {
        match (package.strip_prefix(PREFIX), row.outside) {
            (Some(ours), _) if !row.ours.contains(&ours) => found.push(forbidden(name, ours)),
            (None, Some(allowed)) if !allowed.contains(&package.as_str()) => {
                found.push(impure(name, package, allowed));
            }
            _ => {}
        }
    }
    let ours_in_tests = for_tests.iter().filter_map(|package| package.strip_prefix(PREFIX));
    let too_much = ours_in_tests.filter(|ours| *ours != "plant" && !row.ours.contains(ours));
    found.extend(too_much.map(|ours| format!("{} (not even in tests)", forbidden(name, ours))));
    found
}

fn forbidden(from: &str, to: &str) -> String {
    format!("crate `{from}` must not depend on `{to}`: see the arrows in ARCHITECTURE.md")
}

fn impure(name: &str, package: &str, allowed: &[&str]) -> String {
    let allowed = allowed.join(", ");
    format!(
        "crate `{name}` must not depend on `{package}`: it is pure (no I/O, runtime or clock) and may use only {allowed}"
    )
}

/// The package names behind a manifest's dependencies, those of `[target]` tables too, renames undone.
fn dependencies(root: &Table, manifest: &Table, sections: &[&str]) -> BTreeSet<String> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let per_target = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    let tables = std::iter::once(manifest).chain(per_target);
    let dependencies =
        tables.flat_map(|table| sections.iter().filter_map(|section| table.get(*section)?.as_table()));
    dependencies.flatten().map(|(key, value)| package(root, key, value)).collect()
}

fn package(root: &Table, key: &str, dependency: &Value) -> String {
    let in_workspace = || root.get("workspace")?.get("dependencies")?.get(key)?.get("package");
    let renamed = dependency.get("package").or_else(in_workspace).and_then(Value::as_str);
    renamed.unwrap_or(key).to_owned()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const ROOT: &str = r#"
        [workspace.dependencies]
        hidden = { package = "ohmstead-drivers", path = "crates/drivers" }
    "#;

    fn check(name: &str, manifest: &str, expected: &Expect) {
        let member =
            Member { name: name.to_owned(), folder: name.into(), manifest: manifest.parse().unwrap() };
        let found = violations(&ROOT.parse().unwrap(), &[member]);
        expected.assert_eq(&found.join("\n"));
    }

    #[test]
    fn the_arrows_of_the_table_are_allowed() {
        check("units", "dependencies.serde.workspace = true", &expect![""]);
        check("web", "dependencies = { ohmstead-model = {}, ohmstead-units = {}, axum = {} }", &expect![""]);
        check("web", "dev-dependencies = { ohmstead-plant = {}, tokio = {} }", &expect![""]);
        check("units", "dev-dependencies = { proptest = {} }", &expect![""]);
        check("app", "dependencies = { ohmstead-plant = {}, ohmstead-web = {}, anyhow = {} }", &expect![""]);
    }

    #[test]
    fn siblings_do_not_see_each_other() {
        check(
            "web",
            "dependencies.ohmstead-history.workspace = true",
            &expect!["crate `web` must not depend on `history`: see the arrows in ARCHITECTURE.md"],
        );
        check(
            "web",
            "dev-dependencies.ohmstead-history.workspace = true",
            &expect![[
                "crate `web` must not depend on `history`: see the arrows in ARCHITECTURE.md (not even in tests)"
            ]],
        );
    }

    #[test]
    fn nobody_depends_on_app() {
        for row in ROWS {
            assert!(!row.ours.contains(&"app") && !row.ours.contains(&"xtask"), "{}", row.name);
        }
        check(
            "config",
            "build-dependencies.ohmstead-app.workspace = true",
            &expect!["crate `config` must not depend on `app`: see the arrows in ARCHITECTURE.md"],
        );
    }

    #[test]
    fn a_rename_or_a_target_table_hides_nothing() {
        check(
            "history",
            "dependencies.hidden.workspace = true",
            &expect!["crate `history` must not depend on `drivers`: see the arrows in ARCHITECTURE.md"],
        );
        check(
            "plant",
            "[target.'cfg(unix)'.dependencies]\nohmstead-drivers.workspace = true",
            &expect!["crate `plant` must not depend on `drivers`: see the arrows in ARCHITECTURE.md"],
        );
    }

    #[test]
    fn pure_crates_take_nothing_from_outside_but_what_is_listed() {
        check(
            "model",
            "dependencies.tokio.workspace = true",
            &expect![
                "crate `model` must not depend on `tokio`: it is pure (no I/O, runtime or clock) and may use only serde, thiserror"
            ],
        );
        check(
            "control",
            "dependencies.serde_json.workspace = true",
            &expect![
                "crate `control` must not depend on `serde_json`: it is pure (no I/O, runtime or clock) and may use only jiff, serde, thiserror"
            ],
        );
    }

    #[test]
    fn a_new_crate_needs_a_row() {
        check(
            "gadget",
            "",
            &expect![
                "crate `gadget` has no row in the table of arrows: decide what it may depend on, draw it in ARCHITECTURE.md, and add the row to xtask/src/invariants/arrows.rs"
            ],
        );
    }
}
