// The view that the address names, and the ways to change it.

import { useCallback, useEffect, useState } from "preact/hooks";
import { type View, read, write } from "./view";

/** Sets what differs; a step in the browser's history. */
export type Choose = (change: Partial<View>) => void;

export function useView(): [View, Choose] {
  const [view, setView] = useState(() => read(location.search));
  useEffect(() => {
    const follow = (): void => setView(read(location.search));
    addEventListener("popstate", follow);
    return () => removeEventListener("popstate", follow);
  }, []);
  const choose = useCallback<Choose>((change) => {
    const after = { ...read(location.search), ...change };
    const query = write(after);
    if (query !== location.search) history.pushState(null, "", location.pathname + query);
    setView(after);
  }, []);
  return [view, choose];
}
