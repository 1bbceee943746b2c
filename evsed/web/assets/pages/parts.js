// Parts that several pages use.

import { html, useId, useRef, useState } from "../vendor/preact.js";
import { Button, useFeedback } from "../kit/ui.js";
import { percent, t } from "../kit/words.js";

// Chooses a file and sends it. send(file, progress) returns a promise; sure() may ask first.
export function FileSend({ label, accept, action, done, send, sure, needs }) {
  const id = useId();
  const field = useRef(null);
  const [share, setShare] = useState(null);
  const [file, setFile] = useState(null);
  const { act, note } = useFeedback();
  const go = async () => {
    if (sure && !(await sure(file))) return;
    setShare(0);
    if (await act(() => send(file, setShare), done)) {
      field.current.value = "";
      setFile(null);
    }
    setShare(null);
  };
  return html`
    <div class="file-send">
      <div class="field">
        <label for=${id}>${label}</label>
        <input id=${id} ref=${field} type="file" accept=${accept} onChange=${(event) => setFile(event.currentTarget.files[0] ?? null)} />
      </div>
      <${Button} disabled=${!file || share !== null || needs === false} onClick=${go}>${action}<//>
      ${share !== null && html`<progress max="1" value=${share} aria-label=${label}>${percent(share)}</progress>`}
      ${note}
    </div>`;
}

// Lets the browser save a text as a file.
export function save(name, text, type = "text/plain") {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

// A link that looks like a button and saves what the station sends.
export const Download = ({ href, children }) => html`<a class="button" href=${href} download>${children ?? t("Download")}</a>`;
