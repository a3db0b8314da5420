// A few metrics in the shape of /api/v1/metrics. The real catalogue lives in the Rust code; the page must work with any.

/**
 * @param {string} id
 * @param {string | null} unit
 * @param {number} decimals
 * @param {'gauge' | 'counter' | 'state' | 'text'} kind
 * @param {[string, string, string, string, string]} labels en, fr, nl, et, de
 * @param {[string, string][] | null} states
 */
function metric(id, unit, decimals, kind, [en, fr, nl, et, de], states = null) {
  return {
    id,
    label: { en, fr, nl, et, de },
    unit,
    decimals,
    kind,
    sign: null,
    states: states?.map(([key, label]) => ({ key, label: { en: label } })) ?? null,
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
  metric('wifi_signal', 'dBm', 0, 'gauge', ['Wi-Fi signal', 'Signal Wi-Fi', 'Wifi-signaal', 'Wi-Fi signaal', 'WLAN-Signal']),
  metric('wifi_ssid', null, 0, 'text', ['Wi-Fi name', 'Nom du Wi-Fi', 'Wifi-naam', 'Wi-Fi nimi', 'WLAN-Name']),
];
