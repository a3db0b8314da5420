//! Where a device is, in one spelling however its owner spelled it. No file is looked at: links stay what they are.

use std::path::{Component, Path, PathBuf};

use ohmstead_drivers::DeviceSettings;
use ohmstead_drivers::voltronic::PortPath;

/// What marks a packet socket; a socket file is one without it too.
const PACKET: &str = "unixpacket:";

/// The place of a device: [`DeviceSettings::place`], of a path without detours such as `/dev/../dev/hidraw0`. `None`
/// where the settings do not tell.
pub fn place(settings: &DeviceSettings) -> Option<String> {
    let DeviceSettings::Voltronic(inverter) = settings else { return settings.place() };
    Some(without_detours(file_of(&inverter.path)?).display().to_string())
}

/// The file that a port path names, as it is spelled. `None` where it is to be found.
pub fn file_of(path: &PortPath) -> Option<&Path> {
    let PortPath::At(path) = path else { return None };
    Some(path.to_str().and_then(|text| text.strip_prefix(PACKET)).map_or(path.as_path(), Path::new))
}

fn without_detours(path: &Path) -> PathBuf {
    let mut straight = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = straight.pop(),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => straight.push(part),
        }
    }
    straight
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("voltronic:///dev//hidraw0/", Some("/dev/hidraw0"))]
    #[case("voltronic:///dev/../dev/./hidraw0", Some("/dev/hidraw0"))]
    #[case("voltronic:///../dev/hidraw0", Some("/dev/hidraw0"))]
    #[case("voltronic://unixpacket:/run/./x.sock", Some("/run/x.sock"))]
    #[case("voltronic:///run/x.sock", Some("/run/x.sock"))]
    #[case("voltronic://auto", None)]
    #[case("marstek://192.0.2.7", Some("192.0.2.7:30000"))]
    fn one_place_has_one_spelling(#[case] address: &str, #[case] expected: Option<&str>) {
        let settings = DeviceSettings::from_address(address).expect("an address");
        assert_eq!(place(&settings).as_deref(), expected);
    }
}
