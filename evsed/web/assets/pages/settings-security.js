// User and password, and what they protect.

import { html, useState } from "../vendor/preact.js";
import { post } from "../kit/data.js";
import { Button, Card, Field, confirmed, useFeedback } from "../kit/ui.js";
import { t } from "../kit/words.js";

export const SecurityForms = () => html`<${Password} /><${Doors} />`;

export function Password() {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [wrong, setWrong] = useState({});
  const { act, say, note } = useFeedback();
  const change = (set) => (value) => {
    set(value);
    setWrong({});
    say("");
  };
  const send = async (pair, done) => {
    const problem = await act(() => post("credentials", pair, 20000).then(() => null, (error) => {
      if (!error.key) throw error;
      return error;
    }), done);
    if (problem && problem !== true) {
      say(t("Not saved"), "refused");
      setWrong({ [problem.key]: problem.message });
    } else if (problem) {
      [setUser, setPassword, setAgain].forEach((set) => set(""));
    }
  };
  const submit = (event) => {
    event.preventDefault();
    if (!user) return setWrong({ user: t("a user name is expected") });
    if (!password) return setWrong({ password: t("a password is expected") });
    if (password !== again) return setWrong({ again: t("the two passwords differ") });
    return send({ user, password }, t("Set. The browser asks for it with the next request."));
  };
  const remove = async () => {
    const sure = await confirmed({ title: t("Remove user and password?"), text: t("Everybody in the network can then do everything."), yes: t("Remove") });
    if (sure) await send({ user: "", password: "" }, t("Removed"));
  };
  return html`
    <${Card} title=${t("User and password")}>
      <p class="hint intro">${t("Needed for this page, for programs and for files. In the network they can be read: use them at home only.")}</p>
      <form onSubmit=${submit} novalidate>
        <div class="fields">
          <${Field} label=${t("User")} value=${user} error=${wrong.user} onInput=${change(setUser)} autocomplete="username" />
          <${Field} label=${t("New password")} kind="password" value=${password} error=${wrong.password} onInput=${change(setPassword)} autocomplete="new-password" />
          <${Field} label=${t("Once more")} kind="password" value=${again} error=${wrong.again} onInput=${change(setAgain)} autocomplete="new-password" />
        </div>
        <div class="form-foot">
          <button type="submit" class="button primary">${t("Set")}</button>
          <${Button} onClick=${remove}>${t("Remove")}<//>
          ${note}
        </div>
      </form>
    <//>`;
}

const Doors = () => html`
  <${Card} title=${t("Who can reach the charger")}>
    <ul class="plain-words">
      <li>${t("This page, REST and files (WebDAV) ask for user and password, once they are set.")}</li>
      <li>${t("Modbus and the serial ports have no password; they can be switched off, or made read-only in the configuration file.")}</li>
      <li>${t("Pages of other sites are kept out, and guesses are slowed down.")}</li>
      <li>${t("A lost password is removed with “evsed credentials clear” on the Pi.")}</li>
    </ul>
  <//>`;
