//! What is wrong with a group: told in every cycle in which it is the case.

use ohmstead_model::{DeviceId, Language, Severity};

use super::settings::{Group, Mode};
use super::sight::{Battery, Sight};
use super::state::GroupState;

/// Something about a group that its owner should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The group's name.
    pub group: String,
    /// Which battery, if one.
    pub device: Option<DeviceId>,
    /// What is the case.
    pub finding: Finding,
}

/// What is the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// It is the battery's turn, but it does not follow the meter.
    NotFollowing,
    /// It is not the battery's turn, but it follows the meter and works against the one whose turn it is.
    AlsoFollowing,
    /// It was to take over and did not; another one has its turn meanwhile.
    DidNotTakeOver,
    /// No battery of the group can have its turn.
    NoBattery,
    /// The grid power is not known, so nothing is switched because of it.
    MeterUnknown,
    /// Import and export took turns too often while the batteries shared; they rotate meanwhile.
    Swinging,
}

impl Finding {
    /// The code, stable for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotFollowing => "rotation_not_following",
            Self::AlsoFollowing => "rotation_also_following",
            Self::DidNotTakeOver => "rotation_did_not_take_over",
            Self::NoBattery => "rotation_no_battery",
            Self::MeterUnknown => "rotation_meter_unknown",
            Self::Swinging => "rotation_swinging",
        }
    }

    /// How serious it is.
    pub fn severity(self) -> Severity {
        match self {
            Self::NotFollowing | Self::AlsoFollowing => Severity::Alarm,
            Self::DidNotTakeOver | Self::NoBattery | Self::MeterUnknown | Self::Swinging => Severity::Warning,
        }
    }

    /// The sentence for people, without the names.
    pub fn sentence(self, language: Language) -> &'static str {
        let texts = match self {
            Self::NotFollowing => [
                "it is this battery's turn, but it does not follow the meter",
                "c'est le tour de cette batterie, mais elle ne suit pas le compteur",
                "deze batterij is aan de beurt, maar volgt de meter niet",
                "on selle aku kord, kuid see ei järgi arvestit",
                "diese Batterie ist an der Reihe, folgt aber dem Zähler nicht",
            ],
            Self::AlsoFollowing => [
                "it is not this battery's turn, but it follows the meter as well",
                "ce n'est pas le tour de cette batterie, mais elle suit aussi le compteur",
                "deze batterij is niet aan de beurt, maar volgt de meter ook",
                "ei ole selle aku kord, kuid ka see järgib arvestit",
                "diese Batterie ist nicht an der Reihe, folgt aber auch dem Zähler",
            ],
            Self::DidNotTakeOver => [
                "this battery was to take over and did not",
                "cette batterie devait prendre le relais et ne l'a pas fait",
                "deze batterij moest het overnemen en deed het niet",
                "see aku pidi üle võtma, kuid ei teinud seda",
                "diese Batterie sollte übernehmen und tat es nicht",
            ],
            Self::NoBattery => [
                "no battery of the group can have its turn",
                "aucune batterie du groupe ne peut prendre son tour",
                "geen batterij van de groep kan aan de beurt komen",
                "ükski rühma aku ei saa oma korda võtta",
                "keine Batterie der Gruppe kann an die Reihe kommen",
            ],
            Self::MeterUnknown => [
                "the grid power is not known, so the meter causes no switch",
                "la puissance du réseau n'est pas connue, le compteur ne déclenche donc aucun changement",
                "het netvermogen is niet bekend, dus de meter veroorzaakt geen wissel",
                "võrgu võimsus ei ole teada, seega arvesti vahetust ei põhjusta",
                "die Netzleistung ist nicht bekannt, der Zähler löst daher keinen Wechsel aus",
            ],
            Self::Swinging => [
                "import and export took turns too often, so the batteries rotate for a while",
                "soutirage et injection alternaient trop souvent, les batteries se relaient donc un moment",
                "afname en teruglevering wisselden te vaak, dus de batterijen rouleren een tijdje",
                "import ja eksport vaheldusid liiga tihti, seega on akud mõnda aega kordamööda",
                "Bezug und Einspeisung wechselten zu oft, daher wechseln sich die Batterien eine Weile ab",
            ],
        };
        texts[language as usize]
    }
}

/// Everything that is wrong with one group.
pub(super) fn judge(name: &str, state: &mut GroupState, sight: &Sight<'_>, group: &Group) -> Vec<Verdict> {
    let verdict = |device: Option<&DeviceId>, finding| Verdict {
        group: name.to_owned(),
        device: device.cloned(),
        finding,
    };
    let mut verdicts = Vec::new();
    for battery in &sight.batteries {
        if let Some(finding) = mismatch(state, battery, sight, group) {
            verdicts.push(verdict(Some(battery.id), finding));
        }
        if state.has_refused(battery.id, sight.now) {
            verdicts.push(verdict(Some(battery.id), Finding::DidNotTakeOver));
        }
    }
    if state.timers.no_battery.lasts(group.mismatch.0, sight.now) {
        verdicts.push(verdict(None, Finding::NoBattery));
    }
    if state.timers.meter_unknown.lasts(group.lasting.0, sight.now) {
        verdicts.push(verdict(None, Finding::MeterUnknown));
    }
    if state.sharing.swung && group.mode == Mode::Share {
        verdicts.push(verdict(None, Finding::Swinging));
    }
    verdicts
}

/// A battery that has done something else than it should for long enough.
fn mismatch(
    state: &mut GroupState,
    battery: &Battery<'_>,
    sight: &Sight<'_>,
    group: &Group,
) -> Option<Finding> {
    let found = differs(state, battery, sight, group);
    if found.is_none() {
        state.mismatches.remove(battery.id);
        return None;
    }
    let since = *state.mismatches.entry(battery.id.clone()).or_insert(sight.now);
    found.filter(|_| sight.now.since(since) >= group.mismatch.0)
}

fn differs(state: &GroupState, battery: &Battery<'_>, sight: &Sight<'_>, group: &Group) -> Option<Finding> {
    // A switch under way has its own deadline, and somebody else's wish is no mismatch.
    let active = state.active.as_ref().filter(|_| state.switch.is_none() && battery.available)?;
    if active.battery == *battery.id {
        let follows = battery.is_auto(active.since);
        let idles = follows.is_none() && rests_though_needed(battery, sight, group);
        return (follows == Some(false) || idles).then_some(Finding::NotFollowing);
    }
    let since = state.switched.unwrap_or(active.since);
    (battery.is_auto(since) == Some(true)).then_some(Finding::AlsoFollowing)
}

/// Where the mode is not known, the power tells: below this it does nothing.
const RESTS_W: f64 = 50.0;

fn rests_though_needed(battery: &Battery<'_>, sight: &Sight<'_>, group: &Group) -> bool {
    let could_charge = battery.soc.is_some_and(|soc| soc < group.full.0);
    let could_discharge = battery.soc.is_some_and(|soc| soc > group.useful.0);
    let needed =
        (sight.exports(group.export.0) && could_charge) || (sight.imports(group.import.0) && could_discharge);
    needed && battery.power.is_some_and(|power| power.power.abs() < RESTS_W)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_has_a_sentence_in_every_language() {
        let all = [
            Finding::NotFollowing,
            Finding::AlsoFollowing,
            Finding::DidNotTakeOver,
            Finding::NoBattery,
            Finding::MeterUnknown,
            Finding::Swinging,
        ];
        for finding in all {
            let mut sentences: Vec<_> = Language::ALL.map(|language| finding.sentence(language)).to_vec();
            sentences.sort_unstable();
            sentences.dedup();
            assert_eq!(sentences.len(), 5, "{}", finding.code());
        }
    }
}
