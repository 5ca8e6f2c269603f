// The names of links that stand on the page by their ids: asked for where no row has told them.

import { useEffect, useState } from "preact/hooks";
import { isKnown, learn } from "../view/link_names";
import type { Breakdown } from "./answers";
import { ask } from "./client";

/** How far back clicks are looked at that tell a link's name. */
const PERIOD = "last_90_days";
/** As many as a filter takes. */
const MOST = 1000;

/** Learns what of these links is not known yet; the caller is drawn again when it is. */
export function useLinkNames(ids: readonly string[]): void {
  const [, setLearnt] = useState(0);
  const unknown = ids.filter((id) => id !== "" && !isKnown(id)).slice(0, MOST).join();
  useEffect(() => {
    if (unknown === "") return;
    const stop = new AbortController();
    const links = unknown.split(",");
    const question = {
      metrics: ["clicks"],
      dimensions: ["link", "domain", "slug"],
      filter: { dimension: "link", in: links },
      period: PERIOD,
      traffic: "all",
      limit: MOST,
    };
    ask<Breakdown>("POST", "/api/v1/query", question, stop.signal).then(
      ({ rows }) => {
        learn(rows);
        setLearnt((before) => before + 1);
      },
      // Then it goes by its id.
      () => {},
    );
    return () => stop.abort();
  }, [unknown]);
}
