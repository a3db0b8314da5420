//! Rules on every file of a commit: nothing in them may hang on the machine or the network they were made on.

use crate::checkout::SourceFile;

/// Folders of one machine. Each stands here in two parts, so that this list does not break its own rule.
const FOLDERS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/root/", ".cargo"),
    concat!("/root/", ".rustup"),
    concat!("/tmp/", "brief"),
];

/// Hosts from which package managers fetch: a mirror or an offline machine has others.
const HOSTS: &[&str] = &[
    concat!("static.", "crates.io"),
    concat!("index.", "crates.io"),
    concat!("//", "crates.io"),
    concat!("registry.", "npmjs.org"),
    concat!("registry.", "yarnpkg.com"),
    concat!("deb.", "debian.org"),
    concat!("security.", "debian.org"),
    concat!("files.", "pythonhosted.org"),
    concat!("//", "pypi.org"),
    concat!("proxy.", "golang.org"),
];

/// Mentions of one machine's folders or of a package registry's host.
pub fn violations(file: &SourceFile) -> Vec<String> {
    let mut found = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let folder = FOLDERS.iter().find(|folder| starts_a_path(line, folder));
        if let Some(hit) = folder.or_else(|| HOSTS.iter().find(|host| line.contains(**host))) {
            found.push(format!("{}:{}: `{hit}` belongs to one machine or network", file.path, index + 1));
        }
    }
    let is_npm_lock = file.path.ends_with("package-lock.json");
    if is_npm_lock && file.text.lines().any(|line| line.contains("\"resolved\": \"http")) {
        let advice = "set omit-lockfile-registry-resolved=true in .npmrc and make the file anew";
        found.push(format!("{}: it carries download addresses (`resolved`): {advice}", file.path));
    }
    found
}

/// Whether `folder` occurs in the line other than in the middle of a longer path or address.
fn starts_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !"._-~}".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[rstest]
    #[case::folder(concat!("cd /wo", "rk/main"), true)]
    #[case::in_quotes(concat!("\"/wo", "rk/shared\""), true)]
    #[case::at_the_start(concat!("/root/", ".cargo/bin"), true)]
    #[case::part_of_an_address(concat!("https://example.org/wo", "rk/1"), false)]
    #[case::part_of_a_path(concat!("${HOME}/wo", "rk/x"), false)]
    #[case::host(concat!("https://static.", "crates.io/crates/x"), true)]
    #[case::site(concat!("https://", "crates.io/crates/x"), true)]
    #[case::cargo_lock("source = \"registry+https://github.com/rust-lang/crates.io-index\"", false)]
    #[case::npm(concat!("https://registry.", "npmjs.org/x"), true)]
    fn one_machine_is_no_place_for_others(#[case] line: &str, #[case] found: bool) {
        assert_eq!(violations(&file("docs/a.md", line)).len(), usize::from(found));
    }

    #[test]
    fn an_npm_lock_file_has_no_addresses() {
        let text = "{\n  \"resolved\": \"https://example.org/a.tgz\"\n}\n";
        assert_eq!(violations(&file("ui/package-lock.json", text)).len(), 1);
        assert_eq!(violations(&file("ui/other.json", text)).len(), 0);
        assert_eq!(violations(&file("ui/package-lock.json", "{ \"integrity\": \"sha512-x\" }")).len(), 0);
    }
}
