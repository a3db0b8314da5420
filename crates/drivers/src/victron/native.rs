//! Metrics that only a GX device has: the settings of its ESS, its firmware, and what else is connected to it.

use ohmstead_model::catalogue::{HaClass, Kind, Labels, PollClass, Sign, StateDef, Unit, YES_NO};
use ohmstead_model::{Metric, MetricDef};

const fn labels(names: [&'static str; 5]) -> Labels {
    Labels { en: names[0], fr: names[1], nl: names[2], et: names[3], de: names[4] }
}

const PLAIN: HaClass = HaClass { device_class: None, state_class: None, diagnostic: true };
const MEASURED: HaClass = HaClass { state_class: Some("measurement"), ..PLAIN };
const POWER: HaClass = HaClass { device_class: Some("power"), ..MEASURED };
const CURRENT: HaClass = HaClass { device_class: Some("current"), ..MEASURED };
const VOLTAGE: HaClass = HaClass { device_class: Some("voltage"), ..MEASURED };
const TEMPERATURE: HaClass = HaClass { device_class: Some("temperature"), ..MEASURED };
const DURATION: HaClass = HaClass { device_class: Some("duration"), ..MEASURED };

const ESS_MODES: &[StateDef] = &[
    StateDef {
        key: "phase_compensation",
        label: labels([
            "Sum of the phases",
            "Somme des phases",
            "Som van de fasen",
            "Faaside summa",
            "Summe der Phasen",
        ]),
    },
    StateDef {
        key: "individual_phases",
        label: labels(["Each phase", "Chaque phase", "Elke fase", "Iga faas eraldi", "Jede Phase einzeln"]),
    },
    StateDef {
        key: "external_control",
        label: labels([
            "External control",
            "Commande externe",
            "Externe sturing",
            "Väline juhtimine",
            "Externe Steuerung",
        ]),
    },
];

const fn gauge(
    id: &'static str,
    unit: Unit,
    decimals: u8,
    poll: PollClass,
    ha: HaClass,
    names: [&'static str; 5],
) -> MetricDef {
    MetricDef {
        id,
        unit: Some(unit),
        decimals,
        sign: Sign::Plain,
        kind: Kind::Gauge,
        poll,
        ha,
        label: labels(names),
    }
}

/// A number without a unit.
const fn count(id: &'static str, poll: PollClass, names: [&'static str; 5]) -> MetricDef {
    MetricDef {
        id,
        unit: None,
        decimals: 1,
        sign: Sign::Plain,
        kind: Kind::Gauge,
        poll,
        ha: MEASURED,
        label: labels(names),
    }
}

const fn signed(mut def: MetricDef, sign: Sign) -> MetricDef {
    def.sign = sign;
    def
}

const fn text(id: &'static str, poll: PollClass, names: [&'static str; 5]) -> MetricDef {
    MetricDef {
        id,
        unit: None,
        decimals: 0,
        sign: Sign::Plain,
        kind: Kind::Text,
        poll,
        ha: PLAIN,
        label: labels(names),
    }
}

const fn states(
    id: &'static str,
    states: &'static [StateDef],
    poll: PollClass,
    names: [&'static str; 5],
) -> MetricDef {
    let ha = HaClass { device_class: Some("enum"), ..PLAIN };
    MetricDef {
        id,
        unit: None,
        decimals: 0,
        sign: Sign::Plain,
        kind: Kind::State(states),
        poll,
        ha,
        label: labels(names),
    }
}

macro_rules! natives {
    ($($(#[$doc:meta])* $name:ident = $def:expr;)*) => {
        $($(#[$doc])* pub(crate) const $name: Metric = {
            static DEF: MetricDef = $def;
            Metric::new(&DEF)
        };)*

        /// Every metric of this family's own.
        pub(crate) const NATIVE: &[Metric] = &[$($name),*];
    };
}

use PollClass::{Fast, Medium, Slow};

natives! {
    /// The grid power that ESS aims at, W: the override if there is one, else the setting.
    GRID_SETPOINT = signed(gauge("grid_setpoint", Unit::Watt, 0, Fast, POWER, ["Grid setpoint", "Consigne réseau", "Netdoelwaarde", "Võrgu seadeväärtus", "Netz-Sollwert"]), Sign::FeedsHouse);
    /// The most that ESS takes from the battery, W; -1: no limit, 0: no discharge.
    MAX_DISCHARGE_POWER = gauge("max_discharge_power", Unit::Watt, 0, Fast, POWER, ["Maximum discharge power", "Puissance de décharge maximale", "Maximaal ontlaadvermogen", "Suurim tühjendusvõimsus", "Maximale Entladeleistung"]);
    /// The most that is fed into the grid, W; -1: no limit.
    MAX_FEED_IN_POWER = gauge("max_feed_in_power", Unit::Watt, 0, Medium, POWER, ["Maximum feed-in power", "Puissance d'injection maximale", "Maximaal terugleververmogen", "Suurim võrku andmise võimsus", "Maximale Einspeiseleistung"]);
    /// The state of charge that ESS keeps for a grid failure, %.
    MINIMUM_SOC = gauge("minimum_soc", Unit::Percent, 0, Medium, MEASURED, ["Minimum state of charge", "État de charge minimal", "Minimale laadtoestand", "Vähim aku laetus", "Minimaler Ladezustand"]);
    /// The most that DVCC charges with, A; -1: no limit.
    MAX_CHARGE_CURRENT = gauge("max_charge_current", Unit::Ampere, 0, Medium, CURRENT, ["Maximum charge current (DVCC)", "Courant de charge maximal (DVCC)", "Maximale laadstroom (DVCC)", "Suurim laadimisvool (DVCC)", "Maximaler Ladestrom (DVCC)"]);
    /// How ESS controls.
    ESS_MODE = states("ess_mode", ESS_MODES, Medium, ["ESS control", "Régulation ESS", "ESS-regeling", "ESS-i juhtimine", "ESS-Regelung"]);
    /// What ESS does at present, in Victron's words.
    ESS_STATE = text("ess_state", Fast, ["ESS state", "État ESS", "ESS-status", "ESS-i olek", "ESS-Zustand"]);
    /// The state of charge below which ESS does not discharge at present, %.
    ACTIVE_SOC_LIMIT = gauge("active_soc_limit", Unit::Percent, 0, Medium, MEASURED, ["Active discharge limit", "Limite de décharge active", "Actieve ontlaadgrens", "Kehtiv tühjenduspiir", "Aktive Entladegrenze"]);
    /// The charge voltage that the battery asks for, V.
    CHARGE_VOLTAGE_MAX = gauge("battery_charge_voltage_max", Unit::Volt, 1, Medium, VOLTAGE, ["Charge voltage limit", "Limite de tension de charge", "Laadspanningslimiet", "Laadimispinge piir", "Ladespannungsgrenze"]);
    /// How long the battery lasts at the present power, s.
    TIME_TO_GO = gauge("battery_time_to_go", Unit::Second, 0, Medium, DURATION, ["Time to go", "Autonomie restante", "Resterende tijd", "Järelejäänud aeg", "Restlaufzeit"]);
    /// Lowest cell temperature, °C.
    CELL_TEMPERATURE_MIN = gauge("battery_cell_temperature_min", Unit::Celsius, 1, Medium, TEMPERATURE, ["Lowest cell temperature", "Température cellule minimale", "Laagste celtemperatuur", "Madalaim elemendi temperatuur", "Niedrigste Zelltemperatur"]);
    /// Highest cell temperature, °C.
    CELL_TEMPERATURE_MAX = gauge("battery_cell_temperature_max", Unit::Celsius, 1, Medium, TEMPERATURE, ["Highest cell temperature", "Température cellule maximale", "Hoogste celtemperatuur", "Kõrgeim elemendi temperatuur", "Höchste Zelltemperatur"]);
    /// The firmware that can be had online.
    FIRMWARE_AVAILABLE = text("firmware_available", Slow, ["Available firmware", "Micrologiciel disponible", "Beschikbare firmware", "Saadaolev püsivara", "Verfügbare Firmware"]);
    /// The firmware that can be gone back to.
    FIRMWARE_BACKUP = text("firmware_backup", Slow, ["Backup firmware", "Micrologiciel de secours", "Reservefirmware", "Varupüsivara", "Ersatz-Firmware"]);
    /// Whether the firmware that can be had is newer than the one that runs; a beta comes before its release.
    FIRMWARE_UPDATE = states("firmware_update", YES_NO, Slow, ["Firmware update", "Mise à jour disponible", "Firmware-update", "Püsivara uuendus", "Firmware-Update"]);
    /// Notifications that are active on the device.
    NOTIFICATIONS = count("gx_notifications", Medium, ["Active notifications", "Notifications actives", "Actieve meldingen", "Aktiivsed teated", "Aktive Meldungen"]);
    /// The state of the first CAN bus, in the kernel's words.
    CAN_STATE_1 = text("can_state_1", Slow, ["CAN bus 1", "Bus CAN 1", "CAN-bus 1", "CAN-siin 1", "CAN-Bus 1"]);
    /// The state of the second CAN bus.
    CAN_STATE_2 = text("can_state_2", Slow, ["CAN bus 2", "Bus CAN 2", "CAN-bus 2", "CAN-siin 2", "CAN-Bus 2"]);
    /// Errors a minute on the first CAN bus.
    CAN_ERRORS_1 = count("can_errors_per_minute_1", Slow, ["CAN bus 1 errors per minute", "Erreurs par minute du bus CAN 1", "Fouten per minuut op CAN-bus 1", "CAN-siini 1 vigu minutis", "Fehler pro Minute auf CAN-Bus 1"]);
    /// Errors a minute on the second CAN bus.
    CAN_ERRORS_2 = count("can_errors_per_minute_2", Slow, ["CAN bus 2 errors per minute", "Erreurs par minute du bus CAN 2", "Fouten per minuut op CAN-bus 2", "CAN-siini 2 vigu minutis", "Fehler pro Minute auf CAN-Bus 2"]);
    /// What the updater does, its own number or word.
    FIRMWARE_STATE = text("firmware_state", Slow, ["Firmware updater", "Mise à jour du micrologiciel", "Firmware-updater", "Püsivara uuendaja", "Firmware-Aktualisierung"]);
    /// Power of all EV chargers, W.
    EV_POWER = signed(gauge("ev_power", Unit::Watt, 0, Fast, POWER, ["EV charging power", "Puissance de recharge VE", "Laadvermogen EV", "Elektriauto laadimisvõimsus", "EV-Ladeleistung"]), Sign::Consumes);
    /// What the EV charger does, in Victron's words.
    EV_STATE = text("ev_state", Medium, ["EV charger", "Borne de recharge VE", "EV-lader", "Elektriauto laadija", "EV-Lader"]);
    /// Whether the generator runs.
    GENERATOR_RUNNING = states("generator_running", YES_NO, Medium, ["Generator running", "Groupe en marche", "Generator draait", "Generaator töötab", "Generator läuft"]);
    /// Power of the generator, W.
    GENERATOR_POWER = signed(gauge("generator_power", Unit::Watt, 0, Fast, POWER, ["Generator power", "Puissance du groupe", "Generatorvermogen", "Generaatori võimsus", "Generatorleistung"]), Sign::FeedsHouse);
    /// Level of the first tank, %.
    TANK_LEVEL_1 = gauge("tank_level_1", Unit::Percent, 0, Medium, MEASURED, ["Tank 1", "Réservoir 1", "Tank 1", "Paak 1", "Tank 1"]);
    /// Level of the second tank, %.
    TANK_LEVEL_2 = gauge("tank_level_2", Unit::Percent, 0, Medium, MEASURED, ["Tank 2", "Réservoir 2", "Tank 2", "Paak 2", "Tank 2"]);
    /// Level of the third tank, %.
    TANK_LEVEL_3 = gauge("tank_level_3", Unit::Percent, 0, Medium, MEASURED, ["Tank 3", "Réservoir 3", "Tank 3", "Paak 3", "Tank 3"]);
    /// The first temperature sensor, °C.
    TEMPERATURE_1 = gauge("temperature_1", Unit::Celsius, 1, Medium, TEMPERATURE, ["Temperature 1", "Température 1", "Temperatuur 1", "Temperatuur 1", "Temperatur 1"]);
    /// The second temperature sensor, °C.
    TEMPERATURE_2 = gauge("temperature_2", Unit::Celsius, 1, Medium, TEMPERATURE, ["Temperature 2", "Température 2", "Temperatuur 2", "Temperatuur 2", "Temperatur 2"]);
    /// The third temperature sensor, °C.
    TEMPERATURE_3 = gauge("temperature_3", Unit::Celsius, 1, Medium, TEMPERATURE, ["Temperature 3", "Température 3", "Temperatuur 3", "Temperatuur 3", "Temperatur 3"]);
}

/// The levels of tanks, by number.
pub(crate) const TANK_LEVELS: [Metric; 3] = [TANK_LEVEL_1, TANK_LEVEL_2, TANK_LEVEL_3];
/// The states of the CAN buses, by number.
pub(crate) const CAN_STATES: [Metric; 2] = [CAN_STATE_1, CAN_STATE_2];
/// Errors a minute on the CAN buses, by number.
pub(crate) const CAN_ERRORS: [Metric; 2] = [CAN_ERRORS_1, CAN_ERRORS_2];
/// The temperature sensors, by number.
pub(crate) const TEMPERATURES: [Metric; 3] = [TEMPERATURE_1, TEMPERATURE_2, TEMPERATURE_3];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_taken_and_every_language_has_one() {
        for (index, metric) in NATIVE.iter().enumerate() {
            assert!(Metric::by_id(metric.id()).is_none(), "{metric} is a core metric");
            assert!(NATIVE.iter().skip(index + 1).all(|other| other.id() != metric.id()), "{metric} twice");
            assert!(metric.def().label.all().iter().all(|(_, label)| !label.is_empty()), "{metric}");
        }
    }
}
