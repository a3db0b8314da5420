// A few metrics in the shape of /api/v1/metrics. The real catalogue lives in the Rust code; the page must work with any.

/**
 * @param {string} id
 * @param {string | null} unit
 * @param {number} decimals
 * @param {'gauge' | 'counter' | 'state' | 'text'} kind
 * @param {[string, string, string, string, string]} labels en, fr, nl, et, de
 * @param {[string, string, string?, string?, string?, string?][] | null} states key, then en, fr, nl, et, de
 */
function metric(id, unit, decimals, kind, [en, fr, nl, et, de], states = null) {
  return {
    id,
    label: { en, fr, nl, et, de },
    unit,
    decimals,
    kind,
    sign: null,
    states: states?.map(([key, en, fr, nl, et, de]) => ({ key, label: fr ? { en, fr, nl, et, de } : { en } })) ?? null,
  };
}

export const CATALOGUE = [
  metric('battery_soc', '%', 1, 'gauge', ['State of charge', 'État de charge', 'Laadtoestand', 'Laetuse tase', 'Ladestand']),
  metric('battery_power', 'W', 0, 'gauge', ['Battery power', 'Puissance batterie', 'Batterijvermogen', 'Aku võimsus', 'Batterieleistung']),
  metric('battery_mode', null, 0, 'state', ['Mode', 'Mode', 'Modus', 'Režiim', 'Modus'], [['auto', 'Automatic'], ['charge', 'Charge'], ['idle', 'Idle']]),
  metric('battery_mode_native', null, 0, 'text', ['Mode in the device’s words', 'Mode selon l’appareil', 'Modus volgens apparaat', 'Režiim seadme sõnul', 'Modus laut Gerät']),
  metric('battery_temperature', '°C', 1, 'gauge', ['Temperature', 'Température', 'Temperatuur', 'Temperatuur', 'Temperatur']),
  metric('battery_energy_remaining', 'kWh', 2, 'gauge', ['Energy left', 'Énergie restante', 'Resterende energie', 'Järelejäänud energia', 'Restenergie']),
  metric('grid_power', 'W', 0, 'gauge', ['Grid power', 'Puissance réseau', 'Netvermogen', 'Võrgu võimsus', 'Netzleistung']),
  metric('pv_power', 'W', 0, 'gauge', ['Solar power', 'Puissance solaire', 'Zonnevermogen', 'Päikese võimsus', 'Solarleistung']),
  metric('load_power', 'W', 0, 'gauge', ['House load', 'Consommation', 'Verbruik', 'Tarbimine', 'Verbrauch']),
  metric('inverter_output_energy', 'kWh', 2, 'counter', ['Fed to the house', 'Fourni à la maison', 'Geleverd aan huis', 'Majja antud', 'Ins Haus geliefert']),
  metric('inverter_input_energy', 'kWh', 2, 'counter', ['Taken to charge', 'Pris pour charger', 'Opgenomen', 'Laadimiseks võetud', 'Zum Laden bezogen']),
  metric('pv_energy', 'kWh', 2, 'counter', ['Solar energy', 'Énergie solaire', 'Zonne-energie', 'Päikeseenergia', 'Solarenergie']),
  metric('battery_voltage', 'V', 2, 'gauge', ['Battery voltage', 'Tension batterie', 'Batterijspanning', 'Aku pinge', 'Batteriespannung']),
  metric('battery_recharge_voltage', 'V', 1, 'gauge', ['Back to grid below', 'Retour réseau sous', 'Terug naar net onder', 'Võrgutoitele alla', 'Zurück zum Netz unter']),
  metric('battery_float_voltage', 'V', 1, 'gauge', ['Float charging voltage', 'Tension de maintien', 'Onderhoudsspanning', 'Säilituslaadimise pinge', 'Erhaltungsladespannung']),
  metric('charge_current_max', 'A', 0, 'gauge', ['Charge current limit', 'Limite du courant de charge', 'Laadstroomlimiet', 'Laadimisvoolu piirang', 'Ladestromgrenze']),
  metric('inverter_temperature', '°C', 1, 'gauge', ['Inverter temperature', 'Température onduleur', 'Omvormertemperatuur', 'Inverteri temperatuur', 'Wechselrichtertemperatur']),
  metric('inverter_mode', null, 0, 'state', ['Inverter mode', 'Mode onduleur', 'Omvormermodus', 'Inverteri režiim', 'Wechselrichtermodus'], [
    ['line', 'On grid', 'Sur réseau', 'Op het net', 'Võrgutoitel', 'Netzbetrieb'],
    ['battery', 'On battery', 'Sur batterie', 'Op batterij', 'Akutoitel', 'Batteriebetrieb'],
    ['fault', 'Fault', 'Défaut', 'Storing', 'Rike', 'Störung'],
  ]),
  metric('inverter_mode_native', null, 0, 'text', ['Inverter mode in the device’s words', 'Mode onduleur selon l’appareil', 'Omvormermodus volgens apparaat', 'Inverteri režiim seadme sõnul', 'Wechselrichtermodus laut Gerät']),
  metric('inverter_load_share', '%', 0, 'gauge', ['Inverter load', 'Charge onduleur', 'Omvormerbelasting', 'Inverteri koormus', 'Wechselrichterlast']),
  metric('output_priority', null, 0, 'state', ['Output source priority', 'Priorité des sources', 'Bronprioriteit', 'Toiteallika eelistus', 'Quellenpriorität'], [
    ['utility_first', 'Grid first', 'Réseau d’abord', 'Net eerst', 'Võrk esimesena', 'Netz zuerst'],
    ['solar_first', 'Solar, grid, battery', 'Solaire, réseau, batterie', 'Zon, net, batterij', 'Päike, võrk, aku', 'Solar, Netz, Batterie'],
    ['solar_battery_utility', 'Solar, battery, grid', 'Solaire, batterie, réseau', 'Zon, batterij, net', 'Päike, aku, võrk', 'Solar, Batterie, Netz'],
  ]),
  metric('charger_priority', null, 0, 'state', ['Charger source priority', 'Priorité du chargeur', 'Laadprioriteit', 'Laadimisallika eelistus', 'Ladepriorität'], [
    ['solar_first', 'Solar first', 'Solaire d’abord', 'Zon eerst', 'Päike esimesena', 'Solar zuerst'],
    ['solar_and_utility', 'Solar and grid', 'Solaire et réseau', 'Zon en net', 'Päike ja võrk', 'Solar und Netz'],
    ['solar_only', 'Solar only', 'Solaire seul', 'Alleen zon', 'Ainult päike', 'Nur Solar'],
  ]),
  metric('flag_buzzer', null, 0, 'state', ['Buzzer', 'Avertisseur', 'Zoemer', 'Sumisti', 'Summer'], [['no', 'No', 'Non', 'Nee', 'Ei', 'Nein'], ['yes', 'Yes', 'Oui', 'Ja', 'Jah', 'Ja']]),
  metric('inverter_faults', null, 0, 'text', ['Faults', 'Défauts', 'Storingen', 'Rikked', 'Störungen']),
  metric('inverter_warnings', null, 0, 'text', ['Warnings', 'Avertissements', 'Waarschuwingen', 'Hoiatused', 'Warnungen']),
  metric('grid_voltage', 'V', 1, 'gauge', ['Grid voltage', 'Tension réseau', 'Netspanning', 'Võrgu pinge', 'Netzspannung']),
  metric('load_energy', 'kWh', 2, 'counter', ['Energy consumed', 'Énergie consommée', 'Verbruikte energie', 'Tarbitud energia kokku', 'Verbrauchte Energie']),
  metric('frames_dropped', null, 0, 'counter', ['Damaged answers', 'Réponses corrompues', 'Beschadigde antwoorden', 'Rikutud vastuseid', 'Beschädigte Antworten']),
  metric('wifi_signal', 'dBm', 0, 'gauge', ['Wi-Fi signal', 'Signal Wi-Fi', 'Wifi-signaal', 'Wi-Fi signaal', 'WLAN-Signal']),
  metric('wifi_ssid', null, 0, 'text', ['Wi-Fi name', 'Nom du Wi-Fi', 'Wifi-naam', 'Wi-Fi nimi', 'WLAN-Name']),
];
