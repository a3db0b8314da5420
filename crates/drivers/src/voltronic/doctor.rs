//! What may keep inverters from being reached on this machine, without a word to any of them.

use std::path::Path;

use ohmstead_model::Severity;

use super::notices;
use crate::transports::{Opener, PortError, Ports};

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable key, such as `port_permission`.
    pub id: &'static str,
    /// How serious it is; `Info` where all is well.
    pub severity: Severity,
    /// What was found.
    pub text: String,
    /// What to do about it; empty where nothing is to be done.
    pub hint: String,
}

/// Looks at every port with the inverters' USB identity: whether it may be opened, and who else has it. Opening sends
/// nothing.
pub async fn diagnose(ports: &dyn Ports) -> Vec<Finding> {
    let candidates = match ports.candidates() {
        Ok(candidates) => candidates,
        Err(error) => {
            return vec![Finding {
                id: "usb_not_listed",
                severity: Severity::Warning,
                text: format!("the USB devices cannot be listed: {error}"),
                hint:
                    "in a container, pass /sys in (read-only is enough) or name the device file with `path:`"
                        .to_owned(),
            }];
        }
    };
    if candidates.is_empty() {
        return vec![Finding {
            id: "no_inverter",
            severity: Severity::Info,
            text: "no device with an inverter's USB number (0665:5161) is plugged in".to_owned(),
            hint: "serial lines are not looked through: name one with `path: /dev/ttyUSB0`".to_owned(),
        }];
    }
    let mut findings = Vec::new();
    for candidate in candidates {
        findings.extend(port(ports, &candidate.path, candidate.usb_port.as_deref()).await);
    }
    findings
}

/// Looks at one port: who else has it, whether it may be opened, and reset.
async fn port(ports: &dyn Ports, path: &Path, usb_port: Option<&str>) -> Vec<Finding> {
    let others = ports.other_openers(path);
    let told = |other: &Opener| of(notices::other_opener(path, other.pid, &other.name));
    match ports.open(path).await {
        Ok(_) => {
            let not_allowed = usb_port.filter(|port| !ports.may_reset(port)).map(notices::reset_not_allowed);
            let shared = others.iter().map(told);
            shared.chain([ready(path, usb_port)]).chain(not_allowed.map(of)).collect()
        }
        Err(PortError::Denied { path, mode, group, source }) => {
            let told = PortError::Denied { path, mode, group: group.clone(), source }.to_string();
            vec![of(notices::permission(told, mode, &group))]
        }
        Err(PortError::InUse { by, .. }) => {
            vec![of(notices::in_use(path, by.as_ref().map(|by| (by.pid, by.name.as_str()))))]
        }
        Err(error) => vec![of(notices::port_failed(path, &error.to_string()))],
    }
}

fn ready(path: &Path, usb_port: Option<&str>) -> Finding {
    let at = usb_port.map_or("unknown USB port".to_owned(), |port| format!("USB port {port}"));
    Finding {
        id: "port_ready",
        severity: Severity::Info,
        text: format!(
            "{} ({at}) can be opened; who is there was not asked: `ohmstead discover voltronic` does",
            path.display()
        ),
        hint: String::new(),
    }
}

fn of(notice: ohmstead_model::Notice) -> Finding {
    Finding { id: notice.code, severity: notice.severity, text: notice.text, hint: notice.hint }
}
