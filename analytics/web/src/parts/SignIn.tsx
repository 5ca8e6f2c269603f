// Asks for an API key, and says what is wrong with it.

import { useRef, useState } from "preact/hooks";
import type { JSX } from "preact";
import type { Session } from "../api/answers";
import { signIn } from "../api/session";
import { Mark } from "./Mark";

interface Props {
  why: string | null;
  onSignedIn: (session: Session) => void;
}

export function SignIn({ why, onSignedIn }: Props): JSX.Element {
  const [wrong, setWrong] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);

  const submit = (event: Event): void => {
    event.preventDefault();
    const key = field.current?.value.trim() ?? "";
    if (key === "") {
      setWrong("Enter an API key.");
      field.current?.focus();
      return;
    }
    setBusy(true);
    signIn(key).then(onSignedIn, (error: Error) => {
      // Refusals of a field begin with its name.
      setWrong(error.message.replace(/^key: /, "This key "));
      setBusy(false);
      field.current?.focus();
      field.current?.select();
    });
  };

  return (
    <main class="sign-in">
      <form class="card" onSubmit={submit} aria-labelledby="sign-in-title">
        <Mark />
        <h1 id="sign-in-title">See where your customers come from</h1>
        {why && !wrong && <p class="notice" role="status">{why}</p>}
        {/* What password managers keep the key under. */}
        <input class="unseen" type="text" name="username" autocomplete="username" value="Whence" readOnly tabIndex={-1} aria-hidden="true" />
        <label for="key">API key</label>
        <input
          id="key"
          ref={field}
          type="password"
          autocomplete="current-password"
          autocapitalize="none"
          spellcheck={false}
          placeholder="whk_…"
          aria-invalid={wrong !== null}
          aria-describedby="key-help key-wrong"
          autofocus
        />
        <p id="key-wrong" class="wrong" role="alert">{wrong}</p>
        <button type="submit" class="primary" disabled={isBusy}>{isBusy ? "Signing in …" : "Sign in"}</button>
        <p id="key-help" class="hint">
          Any key with the right <code>reports</code>. After <code>make up</code> one is in <code>data/api-key</code>. The key is
          sent once and not kept in this browser; you stay signed in for twelve hours.
        </p>
      </form>
    </main>
  );
}
