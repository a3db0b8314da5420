//! What happens to the house by chance: faults of every family, crashes of the program, and people who want something.

use ohmstead_model::{Asker, BatteryMode, DeviceId, Part};

use super::house::{BATTERIES, INVERTER};

/// What goes wrong for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A battery with these switches.
    Battery(&'static str, &'static str),
    /// The inverter with these switches.
    Inverter(&'static str),
    /// The inverter's cable is pulled.
    Unplugged,
    /// The GX device with these switches.
    Gx(&'static str),
    /// The GX device's cable is pulled.
    GxAway,
    /// The grid fails.
    GridLost,
    /// Nothing can be kept.
    DiskFull,
    /// The program is gone, and comes back.
    Crash,
    /// The program stops in order, and is started again.
    Restart,
}

impl Fault {
    /// Whose behaviour it may change.
    pub(super) fn concerns(self) -> Vec<&'static str> {
        match self {
            Self::Battery(unit, _) => vec![unit],
            Self::Inverter(_) | Self::Unplugged => vec![INVERTER],
            Self::Gx(_) | Self::GxAway => vec!["gx"],
            Self::GridLost | Self::DiskFull | Self::Crash | Self::Restart => {
                BATTERIES.iter().map(|(name, _)| *name).chain([INVERTER, "gx"]).collect()
            }
        }
    }
}

/// What a battery suffers. Left out is what no control can notice: a unit that lies consistently.
const BATTERY: &[&str] = &[
    "loss-pct=40",
    "late-pct=30 late-ms=9000",
    "duplicate-pct=100",
    "parse-error-pct=40",
    "silent=ES.GetMode",
    "silent=ES.SetMode",
    "mute",
    "refuse",
    "refuse-writes",
    "swallow-writes=3",
    "passive-exit-s=40",
    "busy-ms=8000",
    "ct-lost",
    "move-to=192.168.1.99:30000",
];
const AXPERT: &[&str] =
    &["mute", "flip=20", "nao=50", "cut=3", "renumber-every=90", "nak-setters", "ack-without-effect"];
const GX: &[&str] = &["ignore-writes", "frozen", "gone=vebus/276", "gone=hub4", "gone=grid", "meter-frozen"];

/// What somebody wants.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wish {
    /// A mode of a device, for a time.
    Mode { device: DeviceId, mode: BatteryMode, lease_s: Option<u64>, by: Asker },
    /// What was wanted is over.
    Release { device: DeviceId, by: Asker },
    /// A part of control is switched.
    Switch { part: Part, on: bool },
}

/// Chance, by seed.
pub(super) struct Luck {
    pub(super) rng: fastrand::Rng,
}

impl Luck {
    pub(super) fn new(seed: u64) -> Self {
        Self { rng: fastrand::Rng::with_seed(seed) }
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.rng.usize(0..of.len())]
    }

    /// What goes wrong next.
    pub(super) fn fault(&mut self) -> Fault {
        match self.rng.u8(0..20) {
            0..=7 => {
                let (unit, _) = self.one(&BATTERIES);
                Fault::Battery(unit, self.one(BATTERY))
            }
            8..=10 => Fault::Inverter(self.one(AXPERT)),
            11 => Fault::Unplugged,
            12..=14 => Fault::Gx(self.one(GX)),
            15 => Fault::GxAway,
            16 => Fault::GridLost,
            17 => Fault::DiskFull,
            18 => Fault::Crash,
            _ => Fault::Restart,
        }
    }

    /// What somebody wants next.
    pub(super) fn wish(&mut self) -> Wish {
        let device = self.one(&["a", "b", INVERTER, "gx"]);
        let by = self.one(&[Asker::Rest, Asker::Mqtt, Asker::Cli]);
        match self.rng.u8(0..12) {
            0 => Wish::Switch {
                part: self.one(&[Part::Limits, Part::Schedule, Part::Rotation]),
                on: self.rng.bool(),
            },
            1 => Wish::Release { device: id(device), by },
            _ => {
                let modes: &[&str] = match device {
                    INVERTER => &["auto", "hold", "native:usb", "native:sbu"],
                    "gx" => &["hold", "idle", "charge 1 kW", "discharge 4 kW", "auto", "native:keep_charged"],
                    _ => &["auto", "idle", "charge 800 W", "discharge 600 W", "charge 1 kW until 90 %"],
                };
                let mode: BatteryMode = self.one(modes).parse().expect("a mode");
                // Its own automatic without a time would be for good.
                let ends = mode == BatteryMode::Auto || self.rng.bool();
                let lease_s = ends.then(|| self.rng.u64(60..7_200));
                Wish::Mode { device: id(device), mode, lease_s, by }
            }
        }
    }
}

fn id(name: &str) -> DeviceId {
    name.parse().expect("a name")
}
