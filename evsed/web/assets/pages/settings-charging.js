// Settings of charging, meter, socket and protection. What the board lacks is not shown.

import { html } from "../vendor/preact.js";
import { board, config, get, post, state } from "../kit/data.js";
import { FormCard, choices, sending, useShape } from "../kit/forms.js";
import { Button, Card, Empty, Rows, Switch, confirmed, useFeedback } from "../kit/ui.js";
import { N, kilowattHours, perKilowattHour, t } from "../kit/words.js";

export function ChargingForm() {
  const shape = useShape("evse");
  return html`
    <${FormCard} title=${t("Charging and limits")} there=${config.value.evse} shape=${shape} send=${sending("evse")} fields=${[
      {
        key: "maxChargingCurrent", label: t("Highest current"), unit: "A", step: 1,
        hint: t("Never more than cable, fuse and installation are made for. The board is rated for {most} A.", { most: shape.maxChargingCurrent?.maximum ?? "–" }),
      },
      { key: "defaultChargingCurrent", label: t("Current after a start"), unit: "A", step: 0.1 },
      { key: "defaultConsumptionLimit", label: t("Energy limit after a start"), unit: "kWh", per: perKilowattHour.value, step: 0.1, hint: t("0: no limit") },
      { key: "defaultChargingTimeLimit", label: t("Time limit after a start"), unit: "min", per: 60, step: 5, hint: t("0: no limit") },
      { key: "defaultUnderPowerLimit", label: t("Stop below, after a start"), unit: "kW", per: 1000, step: 0.01, hint: t("0: no limit") },
      { key: "requireAuth", kind: "switch", label: t("Ask for authorization"), hint: t("A car charges only after somebody has authorized it here, by a card or by a program.") },
    ]} />
    <${InService} />`;
}

function InService() {
  const now = state.value;
  const { act, note } = useFeedback();
  if (!now) return null;
  const serve = (wanted) => act(async () => {
    await post("state/available", wanted);
    state.value = await get("state");
  });
  const reset = async () => {
    const sure = await confirmed({
      title: t("Set the total energy to 0?"), text: t("It shows {total} kWh. It cannot be brought back.", { total: kilowattHours(now.totalConsumption) }),
      yes: t("Set to 0"),
    });
    if (sure) {
      await act(async () => {
        await post("state/reset-total-consumption");
        state.value = await get("state");
      }, t("Set to 0"));
    }
  };
  return html`
    <${Card} title=${t("Station")} note=${note}>
      <${Switch} label=${t("In service")} hint=${t("Out of service nobody can charge; the car is told so.")} checked=${now.available} onChange=${serve} />
      <${Rows} rows=${[[t("Total energy"), `${kilowattHours(now.totalConsumption)} kWh`]]} />
      <${Button} kind="quiet" onClick=${reset}>${t("Set the total energy to 0")}<//>
    <//>`;
}

const METER_MODES = {
  dummy: N("Not measured: assumed from what is offered"), cur: N("Current measured, voltage assumed"), cur_vlt: N("Current and voltage measured"),
};

export function MeterForm() {
  const shape = useShape("evse");
  const able = board.value;
  return html`
    <${FormCard} title=${t("Meter")} there=${config.value.evse} shape=${shape} send=${sending("evse")} fields=${[
      { key: "energyMeterMode", kind: "select", label: t("How energy is measured"), options: choices(METER_MODES, shape.energyMeterMode?.enum) },
      { key: "energyMeterAcVoltage", label: t("Voltage of the mains"), unit: "V", step: 1, hint: t("Used where voltage is not measured.") },
      {
        key: "energyMeterThreePhases", kind: "switch", label: t("Three phases"),
        hint: able.energyMeterThreePhases || able.energyMeter === "none" ? "" : t("The board does not measure all three."),
      },
    ]} />`;
}

export function ProtectionForms() {
  const shape = useShape("evse");
  const able = board.value;
  const evse = config.value.evse;
  const cards = [];
  if (able.rcm || able.temperatureSensor) {
    cards.push(html`
      <${FormCard} key="protection" title=${t("Protection")} there=${evse} shape=${shape} send=${sending("evse")} fields=${[
        able.temperatureSensor && { key: "temperatureThreshold", label: t("Stop above"), unit: "°C", step: 1 },
        able.rcm && { key: "rcm", kind: "switch", label: t("Residual current monitor"), hint: t("Tested before each session; it opens the contactor at once.") },
      ]} />`);
  }
  if (able.proximity || able.socketLock) {
    cards.push(html`
      <${FormCard} key="socket" title=${t("Socket outlet")} there=${evse} shape=${shape} send=${sending("evse")} fields=${[
        able.proximity && { key: "socketOutlet", kind: "switch", label: t("Socket outlet"), hint: t("On: the cable is unplugged at the station, too; its rating is read. Off: the cable is fixed.") },
        able.socketLock && { key: "socketLockOperatingTime", label: t("Lock motor runs for"), unit: "ms", step: 10 },
        able.socketLock && { key: "socketLockBreakTime", label: t("Pause between two tries"), unit: "ms", step: 10 },
        able.socketLock && { key: "socketLockRetryCount", label: t("Further tries"), step: 1 },
        able.socketLock && { key: "socketLockDetectionHigh", kind: "switch", label: t("Lock contact is high when locked") },
      ]} />`);
  }
  return cards.length ? cards : html`<${Card} title=${t("Socket and protection")}><${Empty}>${t("This board has neither a socket outlet, nor a residual current monitor, nor a temperature sensor.")}<//><//>`;
}
