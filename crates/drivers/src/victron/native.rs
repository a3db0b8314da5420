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
const ENERGY: HaClass =
    HaClass { device_class: Some("energy"), state_class: Some("total_increasing"), ..PLAIN };
const VOLUME: HaClass = HaClass { device_class: Some("volume_storage"), ..MEASURED };
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

const FEED_IN_POLICIES: &[StateDef] = &[
    StateDef {
        key: "as_set",
        label: labels(["As set", "Selon le réglage", "Zoals ingesteld", "Nagu seatud", "Wie eingestellt"]),
    },
    StateDef {
        key: "forbidden",
        label: labels(["Forbidden", "Interdite", "Verboden", "Keelatud", "Verboten"]),
    },
    StateDef { key: "allowed", label: labels(["Allowed", "Permise", "Toegestaan", "Lubatud", "Erlaubt"]) },
];

const BALANCER_STATES: &[StateDef] = &[
    StateDef {
        key: "balanced",
        label: labels(["Balanced", "Équilibrée", "In balans", "Tasakaalus", "Ausgeglichen"]),
    },
    StateDef {
        key: "balancing",
        label: labels(["Balancing", "Équilibrage", "Balanceert", "Tasakaalustab", "Gleicht aus"]),
    },
    StateDef {
        key: "imbalance",
        label: labels(["Imbalance", "Déséquilibre", "Onbalans", "Tasakaalust väljas", "Ungleichgewicht"]),
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

/// How many of something.
const fn number_of(id: &'static str, poll: PollClass, names: [&'static str; 5]) -> MetricDef {
    MetricDef { decimals: 0, ..count(id, poll, names) }
}

/// A number that only grows, until it begins again at 0.
const fn counter(mut def: MetricDef) -> MetricDef {
    def.kind = Kind::Counter;
    def
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
    /// What the Wi-Fi connection of the GX device does, in its own word.
    WIFI_STATE = text("wifi_state", Slow, ["Wi-Fi state", "État Wi-Fi", "Wifi-status", "Wi-Fi olek", "WLAN-Zustand"]);
    /// Strength of the Wi-Fi signal at the GX device, %.
    WIFI_STRENGTH = gauge("wifi_strength", Unit::Percent, 0, Slow, MEASURED, ["Wi-Fi strength", "Force du signal Wi-Fi", "Wifi-sterkte", "Wi-Fi tugevus", "WLAN-Stärke"]);
    /// How long ago the VRM portal was last reached, s, in whole minutes.
    VRM_CONTACT_AGE = gauge("vrm_contact_age", Unit::Second, 0, Slow, DURATION, ["Since the last contact with VRM", "Depuis le dernier contact avec VRM", "Sinds het laatste contact met VRM", "Viimasest VRM-i ühendusest", "Seit dem letzten Kontakt mit VRM"]);
    /// Why the VRM portal is not reached; `none` while it is.
    VRM_ERROR = text("vrm_error", Slow, ["VRM connection error", "Erreur de connexion VRM", "VRM-verbindingsfout", "VRM-i ühenduse viga", "VRM-Verbindungsfehler"]);
    /// Records that wait to be sent to the VRM portal.
    VRM_BACKLOG = number_of("vrm_backlog", Slow, ["Records waiting for VRM", "Enregistrements en attente pour VRM", "Wachtende records voor VRM", "VRM-i ootel kirjed", "Auf VRM wartende Datensätze"]);
    /// Free space for records that wait, as the device counts it.
    VRM_BUFFER_FREE = number_of("vrm_buffer_free", Slow, ["Free space for VRM records", "Espace libre pour VRM", "Vrije ruimte voor VRM", "VRM-i kirjete vaba ruum", "Freier Platz für VRM-Datensätze"]);
    /// Whether an override says something about feeding solar power in.
    FEED_IN_POLICY = states("feed_in_policy", FEED_IN_POLICIES, Medium, ["Feeding in solar power", "Injection du solaire", "Terugleveren van zonnestroom", "Päikeseenergia võrku andmine", "Solareinspeisung"]);
    /// Whether panels are throttled so as not to feed in too much.
    FEED_IN_LIMITED = states("feed_in_limited", YES_NO, Medium, ["Feed-in being limited", "Injection limitée", "Teruglevering begrensd", "Võrku andmine piiratud", "Einspeisung begrenzt"]);
    /// Which cell or module is the one with the lowest voltage, as the battery names it.
    CELL_VOLTAGE_MIN_ID = text("battery_cell_voltage_min_id", Medium, ["Cell with the lowest voltage", "Cellule à la tension minimale", "Cel met laagste spanning", "Madalaima pingega element", "Zelle mit niedrigster Spannung"]);
    /// Which cell or module is the one with the highest voltage, as the battery names it.
    CELL_VOLTAGE_MAX_ID = text("battery_cell_voltage_max_id", Medium, ["Cell with the highest voltage", "Cellule à la tension maximale", "Cel met hoogste spanning", "Kõrgeima pingega element", "Zelle mit höchster Spannung"]);
    /// Which cell or module is the one with the lowest temperature, as the battery names it.
    CELL_TEMPERATURE_MIN_ID = text("battery_cell_temperature_min_id", Medium, ["Coldest cell", "Cellule la plus froide", "Koudste cel", "Külmim element", "Kälteste Zelle"]);
    /// Which cell or module is the one with the highest temperature, as the battery names it.
    CELL_TEMPERATURE_MAX_ID = text("battery_cell_temperature_max_id", Medium, ["Warmest cell", "Cellule la plus chaude", "Warmste cel", "Soojim element", "Wärmste Zelle"]);
    /// Modules of the battery that answer.
    MODULES_ONLINE = number_of("battery_modules_online", Medium, ["Battery modules online", "Modules de batterie en ligne", "Batterijmodules online", "Aku ühendatud moodulid", "Batteriemodule online"]);
    /// Modules of the battery that do not.
    MODULES_OFFLINE = number_of("battery_modules_offline", Medium, ["Battery modules offline", "Modules de batterie hors ligne", "Batterijmodules offline", "Aku ühenduseta moodulid", "Batteriemodule offline"]);
    /// Modules that forbid charging.
    MODULES_BLOCKING_CHARGE = number_of("battery_modules_blocking_charge", Medium, ["Battery modules blocking charge", "Modules bloquant la charge", "Modules die laden blokkeren", "Laadimist takistavad moodulid", "Ladung sperrende Module"]);
    /// Modules that forbid discharging.
    MODULES_BLOCKING_DISCHARGE = number_of("battery_modules_blocking_discharge", Medium, ["Battery modules blocking discharge", "Modules bloquant la décharge", "Modules die ontladen blokkeren", "Tühjendamist takistavad moodulid", "Entladung sperrende Module"]);
    /// What was taken out of the battery since it was full, Ah, with the sign of the device.
    CONSUMED_CHARGE = gauge("battery_consumed_charge", Unit::AmpereHour, 1, Medium, MEASURED, ["Consumed charge", "Charge consommée", "Verbruikte lading", "Tarbitud laeng", "Verbrauchte Ladung"]);
    /// What the balancer of the cells does.
    BALANCER = states("battery_balancer", BALANCER_STATES, Medium, ["Balancer", "Équilibreur", "Balancer", "Tasakaalusti", "Balancer"]);
    /// Voltage at the output of the inverter, L2, V.
    INVERTER_VOLTAGE_L2 = gauge("inverter_voltage_l2", Unit::Volt, 1, Medium, VOLTAGE, ["Inverter voltage L2", "Tension onduleur L2", "Omvormerspanning L2", "Inverteri pinge L2", "Wechselrichterspannung L2"]);
    /// Voltage at the output of the inverter, L3, V.
    INVERTER_VOLTAGE_L3 = gauge("inverter_voltage_l3", Unit::Volt, 1, Medium, VOLTAGE, ["Inverter voltage L3", "Tension onduleur L3", "Omvormerspanning L3", "Inverteri pinge L3", "Wechselrichterspannung L3"]);
    /// Current at the output of the inverter, L2, A.
    INVERTER_CURRENT_L2 = gauge("inverter_current_l2", Unit::Ampere, 2, Medium, CURRENT, ["Inverter current L2", "Courant onduleur L2", "Omvormerstroom L2", "Inverteri vool L2", "Wechselrichterstrom L2"]);
    /// Current at the output of the inverter, L3, A.
    INVERTER_CURRENT_L3 = gauge("inverter_current_l3", Unit::Ampere, 2, Medium, CURRENT, ["Inverter current L3", "Courant onduleur L3", "Omvormerstroom L3", "Inverteri vool L3", "Wechselrichterstrom L3"]);
    /// Power to the loads behind the inverter on L1, W.
    INVERTER_OUTPUT_L1 = signed(gauge("inverter_output_power_l1", Unit::Watt, 0, Fast, POWER, ["Inverter output power L1", "Puissance de sortie onduleur L1", "Uitgangsvermogen omvormer L1", "Inverteri väljundvõimsus L1", "Wechselrichter-Ausgangsleistung L1"]), Sign::FeedsHouse);
    /// Power to the loads behind the inverter on L2, W.
    INVERTER_OUTPUT_L2 = signed(gauge("inverter_output_power_l2", Unit::Watt, 0, Fast, POWER, ["Inverter output power L2", "Puissance de sortie onduleur L2", "Uitgangsvermogen omvormer L2", "Inverteri väljundvõimsus L2", "Wechselrichter-Ausgangsleistung L2"]), Sign::FeedsHouse);
    /// Power to the loads behind the inverter on L3, W.
    INVERTER_OUTPUT_L3 = signed(gauge("inverter_output_power_l3", Unit::Watt, 0, Fast, POWER, ["Inverter output power L3", "Puissance de sortie onduleur L3", "Uitgangsvermogen omvormer L3", "Inverteri väljundvõimsus L3", "Wechselrichter-Ausgangsleistung L3"]), Sign::FeedsHouse);
    /// Energy of the present charge of the first EV charger, kWh.
    EV_SESSION_ENERGY = counter(gauge("ev_session_energy", Unit::KilowattHour, 2, Medium, ENERGY, ["EV session energy", "Énergie de la session VE", "Energie laadsessie EV", "Elektriauto laadimisenergia", "EV-Sitzungsenergie"]));
    /// Charge current of the first EV charger, A.
    EV_CURRENT = gauge("ev_current", Unit::Ampere, 1, Medium, CURRENT, ["EV charging current", "Courant de recharge VE", "Laadstroom EV", "Elektriauto laadimisvool", "EV-Ladestrom"]);
    /// How the first EV charger decides, in Victron's words.
    EV_MODE = text("ev_mode", Medium, ["EV charger mode", "Mode de la borne VE", "Modus EV-lader", "Elektriauto laadija režiim", "EV-Lader-Modus"]);
    /// How long the generator has been running, s.
    GENERATOR_RUNTIME = gauge("generator_runtime", Unit::Second, 0, Medium, DURATION, ["Generator runtime", "Durée de marche du groupe", "Looptijd generator", "Generaatori tööaeg", "Generator-Laufzeit"]);
    /// What is wrong with the remote start of the generator, in Victron's words.
    GENERATOR_ERROR = text("generator_error", Medium, ["Generator error", "Erreur du groupe", "Generatorfout", "Generaatori viga", "Generatorfehler"]);
    /// What is left in the first tank, m³.
    TANK_REMAINING_1 = gauge("tank_remaining_1", Unit::CubicMetre, 3, Medium, VOLUME, ["Tank 1 remaining", "Réservoir 1 restant", "Tank 1 resterend", "Paak 1 järel", "Tank 1 Rest"]);
    /// What goes into the first tank, m³.
    TANK_CAPACITY_1 = gauge("tank_capacity_1", Unit::CubicMetre, 3, Slow, VOLUME, ["Tank 1 capacity", "Capacité du réservoir 1", "Inhoud tank 1", "Paak 1 maht", "Tank 1 Inhalt"]);
    /// What is in the first tank, in Victron's words.
    TANK_FLUID_1 = text("tank_fluid_1", Slow, ["Tank 1 fluid", "Fluide du réservoir 1", "Vloeistof tank 1", "Paak 1 vedelik", "Tank 1 Flüssigkeit"]);
    /// What is left in the second tank, m³.
    TANK_REMAINING_2 = gauge("tank_remaining_2", Unit::CubicMetre, 3, Medium, VOLUME, ["Tank 2 remaining", "Réservoir 2 restant", "Tank 2 resterend", "Paak 2 järel", "Tank 2 Rest"]);
    /// What goes into the second tank, m³.
    TANK_CAPACITY_2 = gauge("tank_capacity_2", Unit::CubicMetre, 3, Slow, VOLUME, ["Tank 2 capacity", "Capacité du réservoir 2", "Inhoud tank 2", "Paak 2 maht", "Tank 2 Inhalt"]);
    /// What is in the second tank, in Victron's words.
    TANK_FLUID_2 = text("tank_fluid_2", Slow, ["Tank 2 fluid", "Fluide du réservoir 2", "Vloeistof tank 2", "Paak 2 vedelik", "Tank 2 Flüssigkeit"]);
    /// What is left in the third tank, m³.
    TANK_REMAINING_3 = gauge("tank_remaining_3", Unit::CubicMetre, 3, Medium, VOLUME, ["Tank 3 remaining", "Réservoir 3 restant", "Tank 3 resterend", "Paak 3 järel", "Tank 3 Rest"]);
    /// What goes into the third tank, m³.
    TANK_CAPACITY_3 = gauge("tank_capacity_3", Unit::CubicMetre, 3, Slow, VOLUME, ["Tank 3 capacity", "Capacité du réservoir 3", "Inhoud tank 3", "Paak 3 maht", "Tank 3 Inhalt"]);
    /// What is in the third tank, in Victron's words.
    TANK_FLUID_3 = text("tank_fluid_3", Slow, ["Tank 3 fluid", "Fluide du réservoir 3", "Vloeistof tank 3", "Paak 3 vedelik", "Tank 3 Flüssigkeit"]);
}

/// The levels of tanks, by number.
pub(crate) const TANK_LEVELS: [Metric; 3] = [TANK_LEVEL_1, TANK_LEVEL_2, TANK_LEVEL_3];
/// What is left in tanks, by number.
pub(crate) const TANKS_REMAINING: [Metric; 3] = [TANK_REMAINING_1, TANK_REMAINING_2, TANK_REMAINING_3];
/// What goes into tanks, by number.
pub(crate) const TANK_CAPACITIES: [Metric; 3] = [TANK_CAPACITY_1, TANK_CAPACITY_2, TANK_CAPACITY_3];
/// What is in tanks, by number.
pub(crate) const TANK_FLUIDS: [Metric; 3] = [TANK_FLUID_1, TANK_FLUID_2, TANK_FLUID_3];
/// Power behind the inverter, by phase.
pub(crate) const INVERTER_OUTPUTS: [Metric; 3] = [INVERTER_OUTPUT_L1, INVERTER_OUTPUT_L2, INVERTER_OUTPUT_L3];
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

    /// Two entities of one name cannot be told apart.
    #[test]
    fn labels_do_not_collide() {
        for language in ["en", "fr", "nl", "et", "de"] {
            let core = crate::victron::canonical::METRICS;
            let labels: Vec<_> =
                core.iter().chain(NATIVE).map(|metric| metric.def().label.get(language)).collect();
            for (index, label) in labels.iter().enumerate() {
                assert!(
                    labels.iter().skip(index + 1).all(|other| other != label),
                    "{language}: {label} twice"
                );
            }
        }
    }
}
