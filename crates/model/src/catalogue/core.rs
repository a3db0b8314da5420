//! The core metrics, for every brand. One row is one metric; adding one edits this table only.
//!
//! Energy counters are in kWh because Home Assistant's energy dashboard and people's meters are; capacities are in Wh.
//! `BatteryPower` is the battery's share at the AC side: where a unit has PV inputs of its own, what the panels give is in
//! `PvPower` and not in `BatteryPower`, so that the sum stays true. `InverterPower` is the unit's whole AC output.

use super::kind::{HaClass, Kind, Labels, PollClass, Sign, StateDef, Unit};
use super::priced::PriceUnit;
use super::{Metric, MetricDef};

const fn labels(names: [&'static str; 5]) -> Labels {
    Labels { en: names[0], fr: names[1], nl: names[2], et: names[3], de: names[4] }
}

const fn state(key: &'static str, names: [&'static str; 5]) -> StateDef {
    StateDef { key, label: labels(names) }
}

const BATTERY_MODES: &[StateDef] = &[
    state("auto", ["Automatic", "Automatique", "Automatisch", "Automaatne", "Automatisch"]),
    state(
        "hold",
        [
            "Hold (no discharge)",
            "Maintien (pas de décharge)",
            "Vasthouden (niet ontladen)",
            "Hoidmine (ei tühjene)",
            "Halten (kein Entladen)",
        ],
    ),
    state("hold_charge", ["No charging", "Pas de charge", "Niet laden", "Laadimine keelatud", "Kein Laden"]),
    state(
        "charge",
        ["Charging by command", "Charge forcée", "Gedwongen laden", "Sundlaadimine", "Zwangsladen"],
    ),
    state(
        "discharge",
        [
            "Discharging by command",
            "Décharge forcée",
            "Gedwongen ontladen",
            "Sundtühjendamine",
            "Zwangsentladen",
        ],
    ),
    state("idle", ["Idle", "Au repos", "In rust", "Jõude", "Ruhend"]),
    state(
        "manual",
        ["Device schedule", "Programme de l'appareil", "Apparaatschema", "Seadme ajakava", "Gerätezeitplan"],
    ),
    state(
        "native",
        [
            "Device's own mode",
            "Mode propre à l'appareil",
            "Eigen modus van apparaat",
            "Seadme oma režiim",
            "Eigener Modus des Geräts",
        ],
    ),
];

/// A question with two answers.
pub const YES_NO: &[StateDef] =
    &[state("no", ["No", "Non", "Nee", "Ei", "Nein"]), state("yes", ["Yes", "Oui", "Ja", "Jah", "Ja"])];

const PV_STATES: &[StateDef] = &[
    state("standby", ["Standby", "En veille", "Stand-by", "Ootel", "Bereitschaft"]),
    state("working", ["Producing", "En production", "In bedrijf", "Töötab", "In Betrieb"]),
];

/// What an inverter does at present. Brands have some of these each.
const INVERTER_MODES: &[StateDef] = &[
    state("power_on", ["Starting", "Démarrage", "Opstarten", "Käivitumas", "Startet"]),
    state("standby", ["Standby", "En veille", "Stand-by", "Ootel", "Bereitschaft"]),
    state("line", ["On grid", "Sur réseau", "Op het net", "Võrgutoitel", "Netzbetrieb"]),
    state("battery", ["On battery", "Sur batterie", "Op batterij", "Akutoitel", "Batteriebetrieb"]),
    state(
        "hybrid",
        ["Grid and battery", "Réseau et batterie", "Net en batterij", "Võrk ja aku", "Netz und Batterie"],
    ),
    state("bypass", ["Bypass", "Contournement", "Bypass", "Möödaviik", "Bypass"]),
    state("eco", ["Eco", "Éco", "Eco", "Öko", "Eco"]),
    state("charging", ["Charging only", "Charge seule", "Alleen laden", "Ainult laadimine", "Nur Laden"]),
    state(
        "power_saving",
        ["Power saving", "Économie d'énergie", "Energiebesparing", "Energiasääst", "Energiesparen"],
    ),
    state("fault", ["Fault", "Défaut", "Storing", "Rike", "Störung"]),
    state("shutdown", ["Shut down", "Arrêt", "Uitgeschakeld", "Välja lülitatud", "Abgeschaltet"]),
];

const OUTPUT_PRIORITIES: &[StateDef] = &[
    state("utility_first", ["Grid first", "Réseau d'abord", "Net eerst", "Võrk esimesena", "Netz zuerst"]),
    state(
        "solar_first",
        [
            "Solar, grid, battery",
            "Solaire, réseau, batterie",
            "Zon, net, batterij",
            "Päike, võrk, aku",
            "Solar, Netz, Batterie",
        ],
    ),
    state(
        "solar_battery_utility",
        [
            "Solar, battery, grid",
            "Solaire, batterie, réseau",
            "Zon, batterij, net",
            "Päike, aku, võrk",
            "Solar, Batterie, Netz",
        ],
    ),
];

const CHARGER_PRIORITIES: &[StateDef] = &[
    state("utility_first", ["Grid first", "Réseau d'abord", "Net eerst", "Võrk esimesena", "Netz zuerst"]),
    state("solar_first", ["Solar first", "Solaire d'abord", "Zon eerst", "Päike esimesena", "Solar zuerst"]),
    state(
        "solar_and_utility",
        ["Solar and grid", "Solaire et réseau", "Zon en net", "Päike ja võrk", "Solar und Netz"],
    ),
    state("solar_only", ["Solar only", "Solaire seul", "Alleen zon", "Ainult päike", "Nur Solar"]),
];

const BATTERY_TYPES: &[StateDef] = &[
    state("agm", ["AGM", "AGM", "AGM", "AGM", "AGM"]),
    state("flooded", ["Flooded", "Ouverte", "Open loodzuur", "Vedela elektrolüüdiga", "Nassbatterie"]),
    state(
        "user",
        ["User-defined", "Personnalisée", "Zelf ingesteld", "Kasutaja määratud", "Benutzerdefiniert"],
    ),
    state("pylontech", ["Pylontech", "Pylontech", "Pylontech", "Pylontech", "Pylontech"]),
    state("shinheung", ["Shinheung", "Shinheung", "Shinheung", "Shinheung", "Shinheung"]),
    state("weco", ["WECO", "WECO", "WECO", "WECO", "WECO"]),
    state("soltaro", ["Soltaro", "Soltaro", "Soltaro", "Soltaro", "Soltaro"]),
    state("bak", ["BAK", "BAK", "BAK", "BAK", "BAK"]),
    state("lib", ["LIb protocol", "Protocole LIb", "LIb-protocol", "LIb-protokoll", "LIb-Protokoll"]),
    state("lic", ["LIc protocol", "Protocole LIc", "LIc-protocol", "LIc-protokoll", "LIc-Protokoll"]),
];

const INPUT_RANGES: &[StateDef] = &[
    state(
        "appliance",
        ["Appliance (wide)", "Appareils (large)", "Apparaten (ruim)", "Seadmed (lai)", "Geräte (weit)"],
    ),
    state("ups", ["UPS (narrow)", "Onduleur (étroite)", "UPS (nauw)", "UPS (kitsas)", "USV (eng)"]),
];

/// The keys of [`TempoColour`](crate::TempoColour).
const TEMPO_COLOURS: &[StateDef] = &[
    state("blue", ["Blue", "Bleu", "Blauw", "Sinine", "Blau"]),
    state("white", ["White", "Blanc", "Wit", "Valge", "Weiß"]),
    state("red", ["Red", "Rouge", "Rood", "Punane", "Rot"]),
];

macro_rules! core_metrics {
    ($($(#[$doc:meta])* $name:ident = $def:expr;)*) => {
        #[expect(non_upper_case_globals, reason = "a metric reads like an enum variant: Metric::BatterySoc")]
        impl Metric {
            $($(#[$doc])* pub const $name: Self = Self::new(&$def);)*
        }

        /// Every core metric, in the order of the catalogue.
        pub const CORE: &[Metric] = &[$(Metric::$name),*];
    };
}

const fn gauge(
    id: &'static str,
    unit: Unit,
    decimals: u8,
    sign: Sign,
    poll: PollClass,
    device_class: Option<&'static str>,
    label: Labels,
) -> MetricDef {
    let ha = HaClass { device_class, state_class: Some("measurement"), diagnostic: false };
    MetricDef { id, unit: Some(unit), decimals, sign, kind: Kind::Gauge, poll, ha, label }
}

const fn counter(id: &'static str, label: Labels) -> MetricDef {
    let ha =
        HaClass { device_class: Some("energy"), state_class: Some("total_increasing"), diagnostic: false };
    let unit = Some(Unit::KilowattHour);
    MetricDef {
        id,
        unit,
        decimals: 2,
        sign: Sign::Plain,
        kind: Kind::Counter,
        poll: PollClass::Medium,
        ha,
        label,
    }
}

const fn states(id: &'static str, states: &'static [StateDef], poll: PollClass, label: Labels) -> MetricDef {
    let ha = HaClass { device_class: Some("enum"), state_class: None, diagnostic: false };
    MetricDef { id, unit: None, decimals: 0, sign: Sign::Plain, kind: Kind::State(states), poll, ha, label }
}

const fn text(id: &'static str, poll: PollClass, label: Labels) -> MetricDef {
    let ha = HaClass { device_class: None, state_class: None, diagnostic: true };
    MetricDef { id, unit: None, decimals: 0, sign: Sign::Plain, kind: Kind::Text, poll, ha, label }
}

/// What a kilowatt hour costs, in the currency of the site.
const fn price(id: &'static str, label: Labels) -> MetricDef {
    let unit = Unit::PerKilowattHour(PriceUnit::UNNAMED);
    gauge(id, unit, 5, Sign::Plain, PollClass::Quarter, None, label)
}

/// What was expected of a power when its quarter of an hour began.
const fn forecast(id: &'static str, sign: Sign, label: Labels) -> MetricDef {
    gauge(id, Unit::Watt, 0, sign, PollClass::Quarter, Some("power"), label)
}

/// A bare count that only grows.
const fn tally(id: &'static str, poll: PollClass, label: Labels) -> MetricDef {
    let ha = HaClass { device_class: None, state_class: Some("total_increasing"), diagnostic: true };
    MetricDef { id, unit: None, decimals: 0, sign: Sign::Plain, kind: Kind::Counter, poll, ha, label }
}

/// A bare number.
const fn number(id: &'static str, poll: PollClass, label: Labels) -> MetricDef {
    let ha = HaClass { device_class: None, state_class: Some("measurement"), diagnostic: true };
    MetricDef { id, unit: None, decimals: 0, sign: Sign::Plain, kind: Kind::Gauge, poll, ha, label }
}

const fn diagnostic(mut def: MetricDef) -> MetricDef {
    def.ha.diagnostic = true;
    def
}

core_metrics! {
    // Battery.
    /// State of charge, %.
    BatterySoc = gauge("battery_soc", Unit::Percent, 1, Sign::Plain, PollClass::Fast, Some("battery"), labels(["State of charge", "État de charge", "Laadtoestand", "Aku laetus", "Ladezustand"]));
    /// State of health, %.
    BatterySoh = gauge("battery_soh", Unit::Percent, 1, Sign::Plain, PollClass::Slow, None, labels(["State of health", "État de santé", "Gezondheid", "Aku seisund", "Gesundheitszustand"]));
    /// Battery power, W, positive while it feeds the house.
    BatteryPower = gauge("battery_power", Unit::Watt, 0, Sign::FeedsHouse, PollClass::Fast, Some("power"), labels(["Battery power", "Puissance batterie", "Batterijvermogen", "Aku võimsus", "Batterieleistung"]));
    /// Battery voltage, V.
    BatteryVoltage = gauge("battery_voltage", Unit::Volt, 2, Sign::Plain, PollClass::Medium, Some("voltage"), labels(["Battery voltage", "Tension batterie", "Batterijspanning", "Aku pinge", "Batteriespannung"]));
    /// Battery current, A, positive while discharging.
    BatteryCurrent = gauge("battery_current", Unit::Ampere, 2, Sign::Discharge, PollClass::Fast, Some("current"), labels(["Battery current", "Courant batterie", "Batterijstroom", "Aku vool", "Batteriestrom"]));
    /// Battery temperature, °C.
    BatteryTemperature = gauge("battery_temperature", Unit::Celsius, 1, Sign::Plain, PollClass::Medium, Some("temperature"), labels(["Battery temperature", "Température batterie", "Batterijtemperatuur", "Aku temperatuur", "Batterietemperatur"]));
    /// Battery capacity, Wh.
    BatteryCapacity = diagnostic(gauge("battery_capacity", Unit::WattHour, 0, Sign::Plain, PollClass::Slow, Some("energy_storage"), labels(["Battery capacity", "Capacité batterie", "Batterijcapaciteit", "Aku mahtuvus", "Batteriekapazität"])));
    /// Energy in battery, Wh.
    BatteryEnergyRemaining = gauge("battery_energy_remaining", Unit::WattHour, 0, Sign::Plain, PollClass::Medium, Some("energy_storage"), labels(["Energy in battery", "Énergie en batterie", "Energie in batterij", "Energia akus", "Energie in der Batterie"]));
    /// Lowest cell voltage, V.
    BatteryCellVoltageMin = diagnostic(gauge("battery_cell_voltage_min", Unit::Volt, 3, Sign::Plain, PollClass::Medium, Some("voltage"), labels(["Lowest cell voltage", "Tension cellule minimale", "Laagste celspanning", "Madalaim elemendi pinge", "Niedrigste Zellspannung"])));
    /// Highest cell voltage, V.
    BatteryCellVoltageMax = diagnostic(gauge("battery_cell_voltage_max", Unit::Volt, 3, Sign::Plain, PollClass::Medium, Some("voltage"), labels(["Highest cell voltage", "Tension cellule maximale", "Hoogste celspanning", "Kõrgeim elemendi pinge", "Höchste Zellspannung"])));
    /// Charge power limit, W.
    BatteryChargePowerMax = diagnostic(gauge("battery_charge_power_max", Unit::Watt, 0, Sign::Plain, PollClass::Medium, Some("power"), labels(["Charge power limit", "Limite de charge", "Laadlimiet", "Laadimispiirang", "Ladegrenze"])));
    /// Discharge power limit, W.
    BatteryDischargePowerMax = diagnostic(gauge("battery_discharge_power_max", Unit::Watt, 0, Sign::Plain, PollClass::Medium, Some("power"), labels(["Discharge power limit", "Limite de décharge", "Ontlaadlimiet", "Tühjenduspiirang", "Entladegrenze"])));
    /// Energy charged, kWh.
    BatteryChargeEnergy = counter("battery_charge_energy", labels(["Energy charged", "Énergie chargée", "Geladen energie", "Laetud energia", "Geladene Energie"]));
    /// Energy discharged, kWh.
    BatteryDischargeEnergy = counter("battery_discharge_energy", labels(["Energy discharged", "Énergie déchargée", "Ontladen energie", "Tühjendatud energia", "Entladene Energie"]));
    /// Battery mode, state.
    BatteryMode = states("battery_mode", BATTERY_MODES, PollClass::Fast, labels(["Battery mode", "Mode batterie", "Batterijmodus", "Aku režiim", "Batteriemodus"]));
    /// Mode in the device's words, text.
    BatteryModeNative = text("battery_mode_native", PollClass::Fast, labels(["Mode in the device's words", "Mode selon l'appareil", "Modus volgens apparaat", "Režiim seadme sõnul", "Modus laut Gerät"]));
    /// Charging allowed, state.
    BatteryChargeAllowed = diagnostic(states("battery_charge_allowed", YES_NO, PollClass::Medium, labels(["Charging allowed", "Charge autorisée", "Laden toegestaan", "Laadimine lubatud", "Laden erlaubt"])));
    /// Discharging allowed, state.
    BatteryDischargeAllowed = diagnostic(states("battery_discharge_allowed", YES_NO, PollClass::Medium, labels(["Discharging allowed", "Décharge autorisée", "Ontladen toegestaan", "Tühjendamine lubatud", "Entladen erlaubt"])));
    /// Battery type, state.
    BatteryType = diagnostic(states("battery_type", BATTERY_TYPES, PollClass::Slow, labels(["Battery type", "Type de batterie", "Batterijtype", "Aku tüüp", "Batterietyp"])));
    /// Battery voltage at which the inverter goes back to the grid, V.
    BatteryRechargeVoltage = diagnostic(gauge("battery_recharge_voltage", Unit::Volt, 1, Sign::Plain, PollClass::Slow, Some("voltage"), labels(["Back to grid below", "Retour réseau sous", "Terug naar net onder", "Võrgule tagasi alla", "Zurück ans Netz unter"])));
    /// Battery voltage at which the inverter goes back to the battery, V; 0 means only when it is full.
    BatteryRedischargeVoltage = diagnostic(gauge("battery_redischarge_voltage", Unit::Volt, 1, Sign::Plain, PollClass::Slow, Some("voltage"), labels(["Back to battery above", "Retour batterie au-dessus de", "Terug naar batterij boven", "Akule tagasi üle", "Zurück auf Batterie über"])));
    /// Battery voltage at which the inverter switches off, V.
    BatteryCutoffVoltage = diagnostic(gauge("battery_cutoff_voltage", Unit::Volt, 1, Sign::Plain, PollClass::Slow, Some("voltage"), labels(["Battery cut-off voltage", "Tension de coupure", "Uitschakelspanning", "Aku väljalülituspinge", "Abschaltspannung"])));
    /// Bulk (absorption) charging voltage, V.
    BatteryBulkVoltage = diagnostic(gauge("battery_bulk_voltage", Unit::Volt, 1, Sign::Plain, PollClass::Slow, Some("voltage"), labels(["Bulk charging voltage", "Tension d'absorption", "Bulkspanning", "Põhilaadimise pinge", "Ladeschlussspannung"])));
    /// Float charging voltage, V.
    BatteryFloatVoltage = diagnostic(gauge("battery_float_voltage", Unit::Volt, 1, Sign::Plain, PollClass::Slow, Some("voltage"), labels(["Float charging voltage", "Tension de maintien", "Onderhoudsspanning", "Säilituslaadimise pinge", "Erhaltungsspannung"])));
    /// Highest total charging current, A.
    ChargeCurrentMax = diagnostic(gauge("charge_current_max", Unit::Ampere, 0, Sign::Plain, PollClass::Slow, Some("current"), labels(["Charge current limit", "Limite du courant de charge", "Laadstroomlimiet", "Laadimisvoolu piirang", "Ladestromgrenze"])));
    /// Highest charging current from the grid, A.
    GridChargeCurrentMax = diagnostic(gauge("grid_charge_current_max", Unit::Ampere, 0, Sign::Plain, PollClass::Slow, Some("current"), labels(["Grid charge current limit", "Limite du courant de charge réseau", "Laadstroomlimiet net", "Võrgust laadimise voolu piirang", "Netzladestromgrenze"])));
    /// Highest discharging current, A.
    DischargeCurrentMax = diagnostic(gauge("discharge_current_max", Unit::Ampere, 0, Sign::Plain, PollClass::Slow, Some("current"), labels(["Discharge current limit", "Limite du courant de décharge", "Ontlaadstroomlimiet", "Tühjendusvoolu piirang", "Entladestromgrenze"])));
    // Inverter.
    /// Inverter power, W, positive while it feeds the house.
    InverterPower = gauge("inverter_power", Unit::Watt, 0, Sign::FeedsHouse, PollClass::Fast, Some("power"), labels(["Inverter power", "Puissance onduleur", "Omvormervermogen", "Inverteri võimsus", "Wechselrichterleistung"]));
    /// Backup socket power, W, positive while it consumes.
    InverterBackupPower = gauge("inverter_backup_power", Unit::Watt, 0, Sign::Consumes, PollClass::Fast, Some("power"), labels(["Backup socket power", "Puissance prise de secours", "Vermogen noodstroomuitgang", "Varutoite võimsus", "Notstromleistung"]));
    /// Inverter voltage, V.
    InverterVoltage = gauge("inverter_voltage", Unit::Volt, 1, Sign::Plain, PollClass::Medium, Some("voltage"), labels(["Inverter voltage", "Tension onduleur", "Omvormerspanning", "Inverteri pinge", "Wechselrichterspannung"]));
    /// Inverter current, A.
    InverterCurrent = gauge("inverter_current", Unit::Ampere, 2, Sign::Plain, PollClass::Medium, Some("current"), labels(["Inverter current", "Courant onduleur", "Omvormerstroom", "Inverteri vool", "Wechselrichterstrom"]));
    /// Inverter frequency, Hz.
    InverterFrequency = gauge("inverter_frequency", Unit::Hertz, 2, Sign::Plain, PollClass::Medium, Some("frequency"), labels(["Inverter frequency", "Fréquence onduleur", "Omvormerfrequentie", "Inverteri sagedus", "Wechselrichterfrequenz"]));
    /// Apparent power, VA.
    InverterApparentPower = gauge("inverter_apparent_power", Unit::VoltAmpere, 0, Sign::Plain, PollClass::Fast, Some("apparent_power"), labels(["Apparent power", "Puissance apparente", "Schijnbaar vermogen", "Näivvõimsus", "Scheinleistung"]));
    /// Inverter temperature, °C.
    InverterTemperature = gauge("inverter_temperature", Unit::Celsius, 1, Sign::Plain, PollClass::Medium, Some("temperature"), labels(["Inverter temperature", "Température onduleur", "Omvormertemperatuur", "Inverteri temperatuur", "Wechselrichtertemperatur"]));
    /// Inverter rated power, W.
    InverterPowerMax = diagnostic(gauge("inverter_power_max", Unit::Watt, 0, Sign::Plain, PollClass::Slow, Some("power"), labels(["Inverter rated power", "Puissance nominale onduleur", "Nominaal omvormervermogen", "Inverteri nimivõimsus", "Wechselrichter-Nennleistung"])));
    /// AC energy delivered, kWh.
    InverterOutputEnergy = counter("inverter_output_energy", labels(["AC energy delivered", "Énergie AC fournie", "Geleverde AC-energie", "Väljastatud AC-energia", "Abgegebene AC-Energie"]));
    /// AC energy drawn, kWh.
    InverterInputEnergy = counter("inverter_input_energy", labels(["AC energy drawn", "Énergie AC absorbée", "Opgenomen AC-energie", "Tarbitud AC-energia", "Bezogene AC-Energie"]));
    /// What the inverter does at present, state.
    InverterMode = states("inverter_mode", INVERTER_MODES, PollClass::Fast, labels(["Inverter mode", "Mode onduleur", "Omvormermodus", "Inverteri režiim", "Wechselrichtermodus"]));
    /// What the inverter does at present in the device's own words, text.
    InverterModeNative = text("inverter_mode_native", PollClass::Fast, labels(["Inverter mode in the device's words", "Mode onduleur selon l'appareil", "Omvormermodus volgens apparaat", "Inverteri režiim seadme sõnul", "Wechselrichtermodus laut Gerät"]));
    /// Which source feeds the output first, state.
    OutputPriority = states("output_priority", OUTPUT_PRIORITIES, PollClass::Medium, labels(["Output source priority", "Priorité des sources", "Bronprioriteit", "Toiteallika eelistus", "Quellenpriorität"]));
    /// Which source charges the battery first, state.
    ChargerPriority = states("charger_priority", CHARGER_PRIORITIES, PollClass::Medium, labels(["Charger source priority", "Priorité du chargeur", "Laadprioriteit", "Laadimisallika eelistus", "Ladepriorität"]));
    /// The grid voltages that the inverter bears, state.
    InverterInputRange = diagnostic(states("inverter_input_range", INPUT_RANGES, PollClass::Slow, labels(["Grid input range", "Plage d'entrée réseau", "Netingangsbereik", "Võrgusisendi vahemik", "Netzeingangsbereich"])));
    /// Share of the rated power in use, %.
    InverterLoadShare = gauge("inverter_load_share", Unit::Percent, 0, Sign::Plain, PollClass::Fast, None, labels(["Inverter load", "Charge onduleur", "Omvormerbelasting", "Inverteri koormus", "Wechselrichterlast"]));
    /// Voltage of the internal DC bus, V.
    InverterBusVoltage = diagnostic(gauge("inverter_bus_voltage", Unit::Volt, 0, Sign::Plain, PollClass::Medium, Some("voltage"), labels(["DC bus voltage", "Tension bus DC", "DC-busspanning", "Alalissiini pinge", "DC-Zwischenkreisspannung"])));
    /// Faults by name, text; `none` where there are none.
    InverterFaults = text("inverter_faults", PollClass::Fast, labels(["Faults", "Défauts", "Storingen", "Rikked", "Störungen"]));
    /// Warnings by name, text; `none` where there are none.
    InverterWarnings = text("inverter_warnings", PollClass::Fast, labels(["Warnings", "Avertissements", "Waarschuwingen", "Hoiatused", "Warnungen"]));
    /// Units that work in parallel, a number.
    ParallelUnits = number("parallel_units", PollClass::Slow, labels(["Parallel units", "Unités en parallèle", "Parallelle eenheden", "Paralleelseadmeid", "Parallele Geräte"]));
    // Grid.
    /// Grid power, W, positive while it feeds the house.
    GridPower = gauge("grid_power", Unit::Watt, 0, Sign::FeedsHouse, PollClass::Fast, Some("power"), labels(["Grid power", "Puissance réseau", "Netvermogen", "Võrgu võimsus", "Netzleistung"]));
    /// Grid power L1, W, positive while it feeds the house.
    GridPowerL1 = gauge("grid_power_l1", Unit::Watt, 0, Sign::FeedsHouse, PollClass::Fast, Some("power"), labels(["Grid power L1", "Puissance réseau L1", "Netvermogen L1", "Võrgu võimsus L1", "Netzleistung L1"]));
    /// Grid power L2, W, positive while it feeds the house.
    GridPowerL2 = gauge("grid_power_l2", Unit::Watt, 0, Sign::FeedsHouse, PollClass::Fast, Some("power"), labels(["Grid power L2", "Puissance réseau L2", "Netvermogen L2", "Võrgu võimsus L2", "Netzleistung L2"]));
    /// Grid power L3, W, positive while it feeds the house.
    GridPowerL3 = gauge("grid_power_l3", Unit::Watt, 0, Sign::FeedsHouse, PollClass::Fast, Some("power"), labels(["Grid power L3", "Puissance réseau L3", "Netvermogen L3", "Võrgu võimsus L3", "Netzleistung L3"]));
    /// Grid voltage, V.
    GridVoltage = gauge("grid_voltage", Unit::Volt, 1, Sign::Plain, PollClass::Medium, Some("voltage"), labels(["Grid voltage", "Tension réseau", "Netspanning", "Võrgu pinge", "Netzspannung"]));
    /// Grid voltage L1, V.
    GridVoltageL1 = gauge("grid_voltage_l1", Unit::Volt, 1, Sign::Plain, PollClass::Medium, Some("voltage"), labels(["Grid voltage L1", "Tension réseau L1", "Netspanning L1", "Võrgu pinge L1", "Netzspannung L1"]));
    /// Grid voltage L2, V.
    GridVoltageL2 = gauge("grid_voltage_l2", Unit::Volt, 1, Sign::Plain, PollClass::Medium, Some("voltage"), labels(["Grid voltage L2", "Tension réseau L2", "Netspanning L2", "Võrgu pinge L2", "Netzspannung L2"]));
    /// Grid voltage L3, V.
    GridVoltageL3 = gauge("grid_voltage_l3", Unit::Volt, 1, Sign::Plain, PollClass::Medium, Some("voltage"), labels(["Grid voltage L3", "Tension réseau L3", "Netspanning L3", "Võrgu pinge L3", "Netzspannung L3"]));
    /// Grid current L1, A, positive while it feeds the house.
    GridCurrentL1 = gauge("grid_current_l1", Unit::Ampere, 2, Sign::FeedsHouse, PollClass::Medium, Some("current"), labels(["Grid current L1", "Courant réseau L1", "Netstroom L1", "Võrgu vool L1", "Netzstrom L1"]));
    /// Grid current L2, A, positive while it feeds the house.
    GridCurrentL2 = gauge("grid_current_l2", Unit::Ampere, 2, Sign::FeedsHouse, PollClass::Medium, Some("current"), labels(["Grid current L2", "Courant réseau L2", "Netstroom L2", "Võrgu vool L2", "Netzstrom L2"]));
    /// Grid current L3, A, positive while it feeds the house.
    GridCurrentL3 = gauge("grid_current_l3", Unit::Ampere, 2, Sign::FeedsHouse, PollClass::Medium, Some("current"), labels(["Grid current L3", "Courant réseau L3", "Netstroom L3", "Võrgu vool L3", "Netzstrom L3"]));
    /// Grid frequency, Hz.
    GridFrequency = gauge("grid_frequency", Unit::Hertz, 2, Sign::Plain, PollClass::Medium, Some("frequency"), labels(["Grid frequency", "Fréquence réseau", "Netfrequentie", "Võrgu sagedus", "Netzfrequenz"]));
    /// Energy imported, kWh.
    GridImportEnergy = counter("grid_import_energy", labels(["Energy imported", "Énergie soutirée", "Afgenomen energie", "Ostetud energia", "Netzbezug"]));
    /// Energy exported, kWh.
    GridExportEnergy = counter("grid_export_energy", labels(["Energy exported", "Énergie injectée", "Teruggeleverde energie", "Müüdud energia", "Netzeinspeisung"]));
    /// Meter connected, state.
    GridMeterConnected = diagnostic(states("grid_meter_connected", YES_NO, PollClass::Medium, labels(["Meter connected", "Compteur connecté", "Meter verbonden", "Arvesti ühendatud", "Zähler verbunden"])));
    // Photovoltaics.
    /// Solar power, W, positive while it feeds the house.
    PvPower = gauge("pv_power", Unit::Watt, 0, Sign::FeedsHouse, PollClass::Fast, Some("power"), labels(["Solar power", "Puissance solaire", "Zonnevermogen", "Päikesevõimsus", "Solarleistung"]));
    /// Solar power 1, W, positive while it feeds the house.
    PvPower1 = gauge("pv_power_1", Unit::Watt, 0, Sign::FeedsHouse, PollClass::Medium, Some("power"), labels(["Solar power 1", "Puissance solaire 1", "Zonnevermogen 1", "Päikesevõimsus 1", "Solarleistung 1"]));
    /// Solar voltage 1, V.
    PvVoltage1 = diagnostic(gauge("pv_voltage_1", Unit::Volt, 1, Sign::Plain, PollClass::Medium, Some("voltage"), labels(["Solar voltage 1", "Tension solaire 1", "Zonnespanning 1", "Päikesepaneeli pinge 1", "Solarspannung 1"])));
    /// Solar current 1, A.
    PvCurrent1 = diagnostic(gauge("pv_current_1", Unit::Ampere, 2, Sign::Plain, PollClass::Medium, Some("current"), labels(["Solar current 1", "Courant solaire 1", "Zonnestroom 1", "Päikesepaneeli vool 1", "Solarstrom 1"])));
    /// Solar input 1, state.
    PvState1 = diagnostic(states("pv_state_1", PV_STATES, PollClass::Medium, labels(["Solar input 1", "Entrée solaire 1", "Zonne-ingang 1", "Päikesesisend 1", "Solareingang 1"])));
    /// Solar power 2, W, positive while it feeds the house.
    PvPower2 = gauge("pv_power_2", Unit::Watt, 0, Sign::FeedsHouse, PollClass::Medium, Some("power"), labels(["Solar power 2", "Puissance solaire 2", "Zonnevermogen 2", "Päikesevõimsus 2", "Solarleistung 2"]));
    /// Solar voltage 2, V.
    PvVoltage2 = diagnostic(gauge("pv_voltage_2", Unit::Volt, 1, Sign::Plain, PollClass::Medium, Some("voltage"), labels(["Solar voltage 2", "Tension solaire 2", "Zonnespanning 2", "Päikesepaneeli pinge 2", "Solarspannung 2"])));
    /// Solar current 2, A.
    PvCurrent2 = diagnostic(gauge("pv_current_2", Unit::Ampere, 2, Sign::Plain, PollClass::Medium, Some("current"), labels(["Solar current 2", "Courant solaire 2", "Zonnestroom 2", "Päikesepaneeli vool 2", "Solarstrom 2"])));
    /// Solar input 2, state.
    PvState2 = diagnostic(states("pv_state_2", PV_STATES, PollClass::Medium, labels(["Solar input 2", "Entrée solaire 2", "Zonne-ingang 2", "Päikesesisend 2", "Solareingang 2"])));
    /// Solar power 3, W, positive while it feeds the house.
    PvPower3 = gauge("pv_power_3", Unit::Watt, 0, Sign::FeedsHouse, PollClass::Medium, Some("power"), labels(["Solar power 3", "Puissance solaire 3", "Zonnevermogen 3", "Päikesevõimsus 3", "Solarleistung 3"]));
    /// Solar voltage 3, V.
    PvVoltage3 = diagnostic(gauge("pv_voltage_3", Unit::Volt, 1, Sign::Plain, PollClass::Medium, Some("voltage"), labels(["Solar voltage 3", "Tension solaire 3", "Zonnespanning 3", "Päikesepaneeli pinge 3", "Solarspannung 3"])));
    /// Solar current 3, A.
    PvCurrent3 = diagnostic(gauge("pv_current_3", Unit::Ampere, 2, Sign::Plain, PollClass::Medium, Some("current"), labels(["Solar current 3", "Courant solaire 3", "Zonnestroom 3", "Päikesepaneeli vool 3", "Solarstrom 3"])));
    /// Solar input 3, state.
    PvState3 = diagnostic(states("pv_state_3", PV_STATES, PollClass::Medium, labels(["Solar input 3", "Entrée solaire 3", "Zonne-ingang 3", "Päikesesisend 3", "Solareingang 3"])));
    /// Solar power 4, W, positive while it feeds the house.
    PvPower4 = gauge("pv_power_4", Unit::Watt, 0, Sign::FeedsHouse, PollClass::Medium, Some("power"), labels(["Solar power 4", "Puissance solaire 4", "Zonnevermogen 4", "Päikesevõimsus 4", "Solarleistung 4"]));
    /// Solar voltage 4, V.
    PvVoltage4 = diagnostic(gauge("pv_voltage_4", Unit::Volt, 1, Sign::Plain, PollClass::Medium, Some("voltage"), labels(["Solar voltage 4", "Tension solaire 4", "Zonnespanning 4", "Päikesepaneeli pinge 4", "Solarspannung 4"])));
    /// Solar current 4, A.
    PvCurrent4 = diagnostic(gauge("pv_current_4", Unit::Ampere, 2, Sign::Plain, PollClass::Medium, Some("current"), labels(["Solar current 4", "Courant solaire 4", "Zonnestroom 4", "Päikesepaneeli vool 4", "Solarstrom 4"])));
    /// Solar input 4, state.
    PvState4 = diagnostic(states("pv_state_4", PV_STATES, PollClass::Medium, labels(["Solar input 4", "Entrée solaire 4", "Zonne-ingang 4", "Päikesesisend 4", "Solareingang 4"])));
    /// Solar energy, kWh.
    PvEnergy = counter("pv_energy", labels(["Solar energy", "Énergie solaire", "Zonne-energie", "Päikeseenergia", "Solarenergie"]));
    // Load.
    /// House consumption, W, positive while it consumes.
    LoadPower = gauge("load_power", Unit::Watt, 0, Sign::Consumes, PollClass::Fast, Some("power"), labels(["House consumption", "Consommation maison", "Huisverbruik", "Maja tarbimine", "Hausverbrauch"]));
    /// House consumption L1, W, positive while it consumes.
    LoadPowerL1 = gauge("load_power_l1", Unit::Watt, 0, Sign::Consumes, PollClass::Fast, Some("power"), labels(["House consumption L1", "Consommation maison L1", "Huisverbruik L1", "Maja tarbimine L1", "Hausverbrauch L1"]));
    /// House consumption L2, W, positive while it consumes.
    LoadPowerL2 = gauge("load_power_l2", Unit::Watt, 0, Sign::Consumes, PollClass::Fast, Some("power"), labels(["House consumption L2", "Consommation maison L2", "Huisverbruik L2", "Maja tarbimine L2", "Hausverbrauch L2"]));
    /// House consumption L3, W, positive while it consumes.
    LoadPowerL3 = gauge("load_power_l3", Unit::Watt, 0, Sign::Consumes, PollClass::Fast, Some("power"), labels(["House consumption L3", "Consommation maison L3", "Huisverbruik L3", "Maja tarbimine L3", "Hausverbrauch L3"]));
    /// Energy consumed, kWh.
    LoadEnergy = counter("load_energy", labels(["Energy consumed", "Énergie consommée", "Verbruikte energie", "Tarbitud energia kokku", "Verbrauchte Energie"]));
    // What is known of the present quarter of an hour.
    /// What a kilowatt hour from the grid costs, all-in, in the site's currency; negative where one is paid for taking it.
    ImportPrice = price("import_price", labels(["Import price", "Prix d'achat", "Afnameprijs", "Ostuhind", "Bezugspreis"]));
    /// What a kilowatt hour fed into the grid brings, in the site's currency; negative where it costs.
    ExportPrice = price("export_price", labels(["Export price", "Prix de vente", "Terugleverprijs", "Müügihind", "Einspeisepreis"]));
    /// What the market asks, before what a contract adds to it, in the site's currency.
    SpotPrice = price("spot_price", labels(["Market price", "Prix du marché", "Marktprijs", "Turuhind", "Marktpreis"]));
    /// Colour of the present Tempo day, which begins at 06:00, state.
    TempoToday = states("tempo_today", TEMPO_COLOURS, PollClass::Quarter, labels(["Tempo colour today", "Couleur Tempo du jour", "Tempokleur vandaag", "Tempo värv täna", "Tempo-Farbe heute"]));
    /// Colour of the next Tempo day, state.
    TempoTomorrow = states("tempo_tomorrow", TEMPO_COLOURS, PollClass::Quarter, labels(["Tempo colour tomorrow", "Couleur Tempo du lendemain", "Tempokleur morgen", "Tempo värv homme", "Tempo-Farbe morgen"]));
    /// What a service expected of the panels, as it said it, W. What the panels gave corrects it later.
    PvForecastPower = forecast("pv_forecast_power", Sign::FeedsHouse, labels(["Expected solar power", "Puissance solaire prévue", "Verwacht zonnevermogen", "Oodatav päikesevõimsus", "Erwartete Solarleistung"]));
    /// What the house was expected to use, W.
    LoadForecastPower = forecast("load_forecast_power", Sign::Consumes, labels(["Expected consumption", "Consommation prévue", "Verwacht verbruik", "Oodatav tarbimine", "Erwarteter Verbrauch"]));
    // Device health.
    /// Model, text.
    DeviceModel = text("device_model", PollClass::Slow, labels(["Model", "Modèle", "Model", "Mudel", "Modell"]));
    /// Firmware, text.
    DeviceFirmware = text("device_firmware", PollClass::Slow, labels(["Firmware", "Micrologiciel", "Firmware", "Püsivara", "Firmware"]));
    /// Network address, text.
    DeviceAddress = text("device_address", PollClass::Slow, labels(["Network address", "Adresse réseau", "Netwerkadres", "Võrguaadress", "Netzwerkadresse"]));
    /// Wi-Fi network, text.
    WifiSsid = text("wifi_ssid", PollClass::Slow, labels(["Wi-Fi network", "Réseau Wi-Fi", "Wifi-netwerk", "Wi-Fi võrk", "WLAN-Name"]));
    /// Wi-Fi signal, dBm.
    WifiSignal = diagnostic(gauge("wifi_signal", Unit::DecibelMilliwatt, 0, Sign::Plain, PollClass::Slow, Some("signal_strength"), labels(["Wi-Fi signal", "Signal Wi-Fi", "Wifi-signaal", "Wi-Fi signaal", "WLAN-Signal"])));
    /// Bluetooth connected, state.
    BluetoothConnected = diagnostic(states("bluetooth_connected", YES_NO, PollClass::Slow, labels(["Bluetooth connected", "Bluetooth connecté", "Bluetooth verbonden", "Bluetooth ühendatud", "Bluetooth verbunden"])));
    /// Answer time, ms.
    AnswerTime = diagnostic(gauge("answer_time", Unit::Millisecond, 0, Sign::Plain, PollClass::Medium, Some("duration"), labels(["Answer time", "Temps de réponse", "Antwoordtijd", "Vastuse aeg", "Antwortzeit"])));
    /// Requests answered, %.
    AnswerShare = diagnostic(gauge("answer_share", Unit::Percent, 1, Sign::Plain, PollClass::Medium, None, labels(["Requests answered", "Requêtes abouties", "Beantwoorde verzoeken", "Vastatud päringud", "Beantwortete Anfragen"])));
    /// Answers that were dropped because they were damaged, a number.
    FramesDropped = tally("frames_dropped", PollClass::Medium, labels(["Damaged answers", "Réponses corrompues", "Beschadigde antwoorden", "Rikutud vastuseid", "Beschädigte Antworten"]));
}
