//! Metrics that only this family has: the raw bits and numbers of `QPIGS` that nobody else has a use for, and the
//! switches of `QFLAG`.

use ohmstead_model::catalogue::{HaClass, Kind, Labels, PollClass, Sign, Unit, YES_NO};
use ohmstead_model::{Metric, MetricDef};

const fn labels(names: [&'static str; 5]) -> Labels {
    Labels { en: names[0], fr: names[1], nl: names[2], et: names[3], de: names[4] }
}

const PLAIN: HaClass = HaClass { device_class: None, state_class: None, diagnostic: true };
const MEASURED: HaClass = HaClass { state_class: Some("measurement"), ..PLAIN };

const fn bits(id: &'static str, names: [&'static str; 5]) -> MetricDef {
    MetricDef {
        id,
        unit: None,
        decimals: 0,
        sign: Sign::Plain,
        kind: Kind::Text,
        poll: PollClass::Medium,
        ha: PLAIN,
        label: labels(names),
    }
}

const fn gauge(
    id: &'static str,
    unit: Option<Unit>,
    decimals: u8,
    ha: HaClass,
    names: [&'static str; 5],
) -> MetricDef {
    MetricDef {
        id,
        unit,
        decimals,
        sign: Sign::Plain,
        kind: Kind::Gauge,
        poll: PollClass::Medium,
        ha,
        label: labels(names),
    }
}

const fn flag(id: &'static str, names: [&'static str; 5]) -> MetricDef {
    MetricDef {
        id,
        unit: None,
        decimals: 0,
        sign: Sign::Plain,
        kind: Kind::State(YES_NO),
        poll: PollClass::Slow,
        ha: HaClass { device_class: Some("enum"), ..PLAIN },
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

const CURRENT: HaClass = HaClass { device_class: Some("current"), ..MEASURED };
const POWER: HaClass = HaClass { device_class: Some("power"), ..MEASURED };
const VOLTAGE: HaClass = HaClass { device_class: Some("voltage"), ..MEASURED };

natives! {
    /// `QPIGS` field 16, b7..b0 as received.
    DEVICE_STATUS = bits("voltronic_device_status", ["Status bits", "Bits d'état", "Statusbits", "Olekubitid", "Statusbits"]);
    /// `QPIGS` field 20, b10..b8 as received.
    DEVICE_STATUS_2 = bits("voltronic_device_status_2", ["Status bits 2", "Bits d'état 2", "Statusbits 2", "Olekubitid 2", "Statusbits 2"]);
    /// `QPIGS` field 17, in steps of 10 mV.
    FAN_OFFSET = gauge("voltronic_battery_voltage_offset_fans", None, 0, MEASURED, ["Fan voltage offset (10 mV)", "Décalage de tension ventilateurs (10 mV)", "Spanningsoffset ventilatoren (10 mV)", "Ventilaatorite pinge nihe (10 mV)", "Spannungsversatz Lüfter (10 mV)"]);
    /// `QPIGS` field 18.
    EEPROM_VERSION = gauge("voltronic_eeprom_version", None, 0, MEASURED, ["Settings memory version", "Version de la mémoire des réglages", "Versie instellingengeheugen", "Seadete mälu versioon", "Version des Einstellungsspeichers"]);
    /// `QPIGS` field 12 as received, A: current of the panels or into the battery, by model.
    SOLAR_CURRENT = gauge("voltronic_solar_current", Some(Unit::Ampere), 1, CURRENT, ["Solar current as reported", "Courant solaire tel que signalé", "Zonnestroom zoals gemeld", "Päikesevool nagu teatatud", "Solarstrom wie gemeldet"]);
    /// `QPIGS` field 14, V.
    BATTERY_VOLTAGE_SCC = gauge("voltronic_battery_voltage_scc", Some(Unit::Volt), 2, VOLTAGE, ["Battery voltage at the solar charger", "Tension batterie au chargeur solaire", "Batterijspanning bij zonnelader", "Aku pinge päikeselaadijal", "Batteriespannung am Solarlader"]);
    /// The charging current as reported, A, unsigned: `QPIGS` field 9.
    CHARGE_CURRENT = gauge("voltronic_battery_charge_current", Some(Unit::Ampere), 0, CURRENT, ["Battery charging current as reported", "Courant de charge tel que signalé", "Laadstroom zoals gemeld", "Aku laadimisvool nagu teatatud", "Batterieladestrom wie gemeldet"]);
    /// The discharging current as reported, A, unsigned: `QPIGS` field 15.
    DISCHARGE_CURRENT = gauge("voltronic_battery_discharge_current", Some(Unit::Ampere), 0, CURRENT, ["Battery discharging current as reported", "Courant de décharge tel que signalé", "Ontlaadstroom zoals gemeld", "Aku tühjenemisvool nagu teatatud", "Batterieentladestrom wie gemeldet"]);
    /// What this unit of a set gives to the loads, W, where `load_power` is the sum of all.
    UNIT_LOAD_POWER = gauge("voltronic_unit_load_power", Some(Unit::Watt), 0, POWER, ["Load of this unit", "Charge de cette unité", "Belasting van dit apparaat", "Selle seadme koormus", "Last dieses Geräts"]);
    /// The solar power of this unit of a set, W, where `pv_power` is the sum of all.
    UNIT_PV_POWER = gauge("voltronic_unit_pv_power", Some(Unit::Watt), 0, POWER, ["Solar power of this unit", "Puissance solaire de cette unité", "Zonnevermogen van dit apparaat", "Selle seadme päikesevõimsus", "Solarleistung dieses Geräts"]);
    /// Its battery power, W, positive while discharging, where `battery_power` is the sum of all.
    UNIT_BATTERY_POWER = gauge("voltronic_unit_battery_power", Some(Unit::Watt), 0, POWER, ["Battery power of this unit", "Puissance batterie de cette unité", "Batterijvermogen van dit apparaat", "Selle seadme akuvõimsus", "Batterieleistung dieses Geräts"]);
    /// Flag `a`.
    FLAG_BUZZER = flag("flag_buzzer", ["Buzzer", "Avertisseur", "Zoemer", "Sumisti", "Summer"]);
    /// Flag `b`.
    FLAG_OVERLOAD_BYPASS = flag("flag_overload_bypass", ["Bypass on overload", "Contournement en surcharge", "Bypass bij overbelasting", "Möödaviik ülekoormusel", "Bypass bei Überlast"]);
    /// Flag `d`; never written.
    FLAG_FEED_IN_ALLOWED = flag("flag_feed_in_allowed", ["Solar feed-in", "Injection solaire", "Zonne-teruglevering", "Päikeseenergia võrku andmine", "Solareinspeisung"]);
    /// Flag `j`.
    FLAG_POWER_SAVING = flag("flag_power_saving", ["Power saving", "Économie d'énergie", "Energiebesparing", "Energiasääst", "Energiesparen"]);
    /// Flag `k`.
    FLAG_LCD_RETURN = flag("flag_lcd_return", ["Display returns to first page", "Retour à la première page de l'écran", "Scherm keert terug naar eerste pagina", "Ekraan naaseb esilehele", "Anzeige kehrt zur ersten Seite zurück"]);
    /// Flag `u`.
    FLAG_OVERLOAD_RESTART = flag("flag_overload_restart", ["Restart after overload", "Redémarrage après surcharge", "Herstart na overbelasting", "Taaskäivitus ülekoormuse järel", "Neustart nach Überlast"]);
    /// Flag `v`.
    FLAG_OVER_TEMPERATURE_RESTART = flag("flag_over_temperature_restart", ["Restart after overheating", "Redémarrage après surchauffe", "Herstart na oververhitting", "Taaskäivitus ülekuumenemise järel", "Neustart nach Überhitzung"]);
    /// Flag `x`.
    FLAG_BACKLIGHT = flag("flag_backlight", ["Display backlight", "Rétroéclairage", "Achtergrondverlichting", "Taustvalgus", "Hintergrundbeleuchtung"]);
    /// Flag `y`.
    FLAG_SOURCE_ALARM = flag("flag_source_alarm", ["Alarm on source loss", "Alarme en perte de source", "Alarm bij bronverlies", "Häire allika kadumisel", "Alarm bei Quellenausfall"]);
    /// Flag `z`.
    FLAG_FAULT_RECORD = flag("flag_fault_record", ["Fault record", "Enregistrement des défauts", "Storingslog", "Rikete salvestamine", "Fehleraufzeichnung"]);
}

/// The switch behind a letter of `QFLAG` (PI30).
pub(crate) fn flag_of(letter: char) -> Option<Metric> {
    Some(match letter {
        'a' => FLAG_BUZZER,
        'b' => FLAG_OVERLOAD_BYPASS,
        'd' => FLAG_FEED_IN_ALLOWED,
        'j' => FLAG_POWER_SAVING,
        'k' => FLAG_LCD_RETURN,
        'u' => FLAG_OVERLOAD_RESTART,
        'v' => FLAG_OVER_TEMPERATURE_RESTART,
        'x' => FLAG_BACKLIGHT,
        'y' => FLAG_SOURCE_ALARM,
        'z' => FLAG_FAULT_RECORD,
        _ => return None,
    })
}

/// The switches of PI18's `FLAG`, in its order (A to I); the last one, the grid tie, is never written.
pub(crate) const PI18_FLAGS: [Metric; 9] = [
    FLAG_BUZZER,
    FLAG_OVERLOAD_BYPASS,
    FLAG_LCD_RETURN,
    FLAG_OVERLOAD_RESTART,
    FLAG_OVER_TEMPERATURE_RESTART,
    FLAG_BACKLIGHT,
    FLAG_SOURCE_ALARM,
    FLAG_FAULT_RECORD,
    FLAG_FEED_IN_ALLOWED,
];

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
