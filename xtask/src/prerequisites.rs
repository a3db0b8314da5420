//! The programs that the tests need beside the Rust toolchain: which are missing, and how each is had.
//!
//! ```text
//! look -> missing -> plan -> install (root with apt-get, or cargo install) -> look again
//!                        \-> print the commands and fail
//! ```

use anyhow::{Result, bail};

use crate::{
    checkout::Checkout,
    console,
    process::{self, Tool},
};

/// The oldest Node.js that Vite runs on: major, minor.
const NODE_MIN: (u32, u32) = (20, 19);

/// Something the tests cannot do without.
#[derive(Debug)]
struct Need {
    name: &'static str,
    what_for: &'static str,
    probe: Probe,
    remedy: Remedy,
}

/// How it is looked for.
#[derive(Debug)]
enum Probe {
    /// The program `name` is on the search path.
    OnPath,
    /// PostgreSQL's server, which Debian keeps off the search path.
    Postgresql,
    /// `cargo SUBCOMMAND --version` works: rustup leaves a stub behind for a component that is not installed.
    Cargo(&'static str),
    /// Node.js of at least `NODE_MIN`.
    Node,
}

/// How it is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// A Debian package.
    Debian(&'static str),
    /// A crate that cargo compiles: `name@version`.
    Crate(&'static str),
    /// Only a person can decide on it.
    ByHand(&'static str),
}

const NEEDS: &[Need] = &[
    Need {
        name: "rustfmt",
        what_for: "step fmt",
        probe: Probe::Cargo("fmt"),
        remedy: Remedy::ByHand("rustup component add rustfmt"),
    },
    Need {
        name: "clippy",
        what_for: "step clippy",
        probe: Probe::Cargo("clippy"),
        remedy: Remedy::ByHand("rustup component add clippy"),
    },
    Need {
        name: "cargo-nextest",
        what_for: "step test",
        probe: Probe::Cargo("nextest"),
        remedy: Remedy::Crate("cargo-nextest@0.9.143"),
    },
    Need {
        name: "cargo-deny",
        what_for: "step deny",
        probe: Probe::Cargo("deny"),
        remedy: Remedy::Crate("cargo-deny@0.20.2"),
    },
    Need {
        name: "mosquitto",
        what_for: "MQTT tests",
        probe: Probe::OnPath,
        remedy: Remedy::Debian("mosquitto"),
    },
    Need {
        name: "mosquitto_sub",
        what_for: "MQTT tests",
        probe: Probe::OnPath,
        remedy: Remedy::Debian("mosquitto-clients"),
    },
    Need {
        name: "initdb",
        what_for: "PostgreSQL tests",
        probe: Probe::Postgresql,
        remedy: Remedy::Debian("postgresql"),
    },
    Need {
        name: "dbus-daemon",
        what_for: "D-Bus tests",
        probe: Probe::OnPath,
        remedy: Remedy::Debian("dbus-daemon"),
    },
    Need {
        name: "node",
        what_for: "steps ui and browser",
        probe: Probe::OnPath,
        remedy: Remedy::Debian("nodejs"),
    },
    Need {
        name: "npm",
        what_for: "steps ui and browser",
        probe: Probe::OnPath,
        remedy: Remedy::Debian("npm"),
    },
    Need {
        name: "Node.js 20.19 or later",
        what_for: "steps ui and browser",
        probe: Probe::Node,
        remedy: Remedy::ByHand("install a newer Node.js, for instance Debian 13's nodejs"),
    },
    Need {
        name: "chromium",
        what_for: "step browser",
        probe: Probe::OnPath,
        remedy: Remedy::Debian("chromium"),
    },
];

/// What is to be done about what is missing.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    packages: Vec<&'static str>,
    crates: Vec<&'static str>,
    /// Commands that this program may not run.
    by_hand: Vec<String>,
}

/// Looks for every program, installs what it may, and fails with the exact commands when something stays missing.
pub fn run(checkout: &Checkout) -> Result<()> {
    let missing = look(checkout);
    if missing.is_empty() {
        console::print("nothing is missing");
        return Ok(());
    }
    for need in &missing {
        console::print(&format!("missing: {} (for {})", need.name, need.what_for));
    }
    install(checkout, &plan(&missing, may_use_apt(checkout)));

    let still = look(checkout);
    if !still.is_empty() {
        let commands = plan(&still, false);
        bail!("{}", instructions(&still, &commands));
    }
    Ok(())
}

fn look(checkout: &Checkout) -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| !is_met(checkout, need)).collect()
}

fn is_met(checkout: &Checkout, need: &Need) -> bool {
    match need.probe {
        Probe::OnPath => process::is_installed(need.name),
        Probe::Postgresql => {
            let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
            let mut programs = versions.map(|version| version.path().join("bin/initdb"));
            programs.any(|program| program.is_file()) || process::is_installed(need.name)
        }
        Probe::Cargo(subcommand) => Tool::new(checkout.root(), "cargo", &[subcommand, "--version"]).works(),
        // Absent altogether is told by the row for `node`.
        Probe::Node if !process::is_installed("node") => true,
        Probe::Node => {
            let version = Tool::new(checkout.root(), "node", &["--version"]).read();
            version.is_ok_and(|version| node_version(&version) >= Some(NODE_MIN))
        }
    }
}

/// `v20.19.5` -> `(20, 19)`.
fn node_version(printed: &str) -> Option<(u32, u32)> {
    let mut parts = printed.trim().strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn may_use_apt(checkout: &Checkout) -> bool {
    let user = Tool::new(checkout.root(), "id", &["-u"]).read();
    process::is_installed("apt-get") && user.is_ok_and(|id| id.trim() == "0")
}

fn plan(missing: &[&Need], may_use_apt: bool) -> Plan {
    let mut plan = Plan::default();
    let mut for_the_administrator = Vec::new();
    for need in missing {
        match need.remedy {
            Remedy::Debian(package) if may_use_apt => plan.packages.push(package),
            Remedy::Debian(package) => for_the_administrator.push(package),
            Remedy::Crate(name) => plan.crates.push(name),
            Remedy::ByHand(command) => plan.by_hand.push(command.to_owned()),
        }
    }
    if !for_the_administrator.is_empty() {
        let packages = for_the_administrator.join(" ");
        plan.by_hand.push(format!("sudo apt-get update && sudo apt-get install {packages}"));
    }
    plan
}

/// Tries everything that may be tried; a failure is told, and what it leaves missing is found by the second look.
fn install(checkout: &Checkout, plan: &Plan) {
    let mut attempts = Vec::new();
    if !plan.packages.is_empty() {
        attempts.push(apt(checkout, &plan.packages));
    }
    for name in &plan.crates {
        // A checker that runs for a second is not worth minutes of optimising.
        let args = ["install", "--locked", "--debug", name];
        attempts.push(Tool::new(checkout.root(), "cargo", &args).env("CARGO_PROFILE_DEV_DEBUG", "0").run());
    }
    for error in attempts.into_iter().filter_map(Result::err) {
        console::print(&format!("{error:#}"));
    }
}

fn apt(checkout: &Checkout, packages: &[&str]) -> Result<()> {
    // Old lists may be good enough, so the install is tried whatever the update says.
    if let Err(error) = Tool::new(checkout.root(), "apt-get", &["update", "--quiet=2"]).run() {
        console::print(&format!("{error:#}; trying with the package lists that are there"));
    }
    let args = [&["install", "--yes", "--quiet=2", "--no-install-recommends"], packages].concat();
    Tool::new(checkout.root(), "apt-get", &args).env("DEBIAN_FRONTEND", "noninteractive").run()
}

fn instructions(missing: &[&Need], commands: &Plan) -> String {
    let names: Vec<_> = missing.iter().map(|need| need.name).collect();
    let cargo = commands.crates.iter().map(|name| format!("cargo install --locked {name}"));
    let lines: Vec<_> =
        commands.by_hand.iter().cloned().chain(cargo).map(|line| format!("\n    {line}")).collect();
    format!("still missing: {}. To have them:{}", names.join(", "), lines.concat())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use rstest::rstest;

    use super::*;

    fn needs(names: &[&str]) -> Vec<&'static Need> {
        NEEDS.iter().filter(|need| names.contains(&need.name)).collect()
    }

    #[test]
    fn root_with_apt_installs_packages_and_crates() {
        let plan = plan(&needs(&["mosquitto", "chromium", "cargo-deny"]), true);
        let expected = Plan {
            packages: vec!["mosquitto", "chromium"],
            crates: vec!["cargo-deny@0.20.2"],
            by_hand: Vec::new(),
        };
        assert_eq!(plan, expected);
    }

    #[test]
    fn without_root_the_exact_commands_are_printed() {
        let missing = needs(&["mosquitto", "mosquitto_sub", "clippy", "cargo-deny"]);
        let plan = plan(&missing, false);
        assert_eq!(plan.packages, [""; 0]);
        expect![[r"
            still missing: clippy, cargo-deny, mosquitto, mosquitto_sub. To have them:
                rustup component add clippy
                sudo apt-get update && sudo apt-get install mosquitto mosquitto-clients
                cargo install --locked cargo-deny@0.20.2"]]
        .assert_eq(&instructions(&missing, &plan));
    }

    #[test]
    fn a_toolchain_is_never_installed_by_this_program() {
        let plan = plan(&needs(&["rustfmt", "clippy", "Node.js 20.19 or later"]), true);
        assert_eq!((plan.packages.len(), plan.crates.len(), plan.by_hand.len()), (0, 0, 3));
    }

    #[rstest]
    #[case("v20.19.5\n", true)]
    #[case("v20.18.0", false)]
    #[case("v18.20.4", false)]
    #[case("v24.0.0", true)]
    #[case("20.19.5", false)]
    #[case("", false)]
    fn node_must_be_new_enough(#[case] printed: &str, #[case] enough: bool) {
        assert_eq!(node_version(printed) >= Some(NODE_MIN), enough);
    }
}
