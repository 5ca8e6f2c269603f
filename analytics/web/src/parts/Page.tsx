// The page of somebody who is signed in.

import { useEffect, useState } from "preact/hooks";
import type { JSX } from "preact";
import type { Session } from "../api/answers";
import * as reports from "../api/reports";
import { Round, useAnswer } from "../api/use_answer";
import { mainCurrency } from "../format/money";
import { useView } from "../view/use_view";
import { Attribution } from "./Attribution";
import { Breakdown, ROWS } from "./Breakdown";
import { Chips } from "./Chips";
import { Freshness } from "./Freshness";
import { Funnel } from "./Funnel";
import { Mark } from "./Mark";
import { Overview } from "./Overview";
import { Toolbar } from "./Toolbar";

/** The cards of breakdowns, each with what it can be switched to. The first of each comes with the overview, but for links: an
 *  overview knows them by their ids alone. */
const CARDS: [string, string[]][] = [
  ["Where from", ["channel", "source", "campaign", "referrer_host"]],
  ["Links", ["link", "tag", "advocate"]],
  ["Places", ["country", "region", "city"]],
  ["Devices", ["device", "browser", "os"]],
];

const TOLD_AT_ONCE = CARDS.flatMap(([, [first]]) => (first && first !== "link" ? [first] : []));

interface Props {
  session: Session;
  onLeave: () => void;
}

export function Page(props: Props): JSX.Element {
  const [round, setRound] = useState(0);
  return (
    <Round.Provider value={round}>
      <Reports {...props} onAgain={() => setRound(round + 1)} />
    </Round.Provider>
  );
}

function Reports({ session, onLeave, onAgain }: Props & { onAgain: () => void }): JSX.Element {
  const [view, choose] = useView();
  const asked = JSON.stringify(reports.common(view));
  const overview = useAnswer(asked, (signal) => reports.overview(view, TOLD_AT_ONCE, ROWS, signal));
  const { workspace } = session;
  useEffect(() => {
    document.title = `${workspace.name} · Whence`;
  }, [workspace.name]);
  const revenue = overview.data ? [...overview.data.totals.revenue, ...(overview.data.totals.previous?.revenue ?? [])] : [];
  const isThere = view.currency && revenue.some(({ currency }) => currency === view.currency);
  const currency = isThere ? view.currency : mainCurrency(overview.data?.totals.revenue ?? []) ?? mainCurrency(revenue);
  const shared = { view, choose, currency };
  return (
    <>
      <a class="skip" href="#reports">To the reports</a>
      <header class="top">
        <Mark />
        <span class="workspace" title={`Workspace ${workspace.id}, opened with the key “${session.key}”`}>{workspace.name}</span>
        <Freshness about={overview.data} onAgain={onAgain} isLoading={overview.isLoading} />
        <button type="button" class="quiet" onClick={onLeave}>Sign out</button>
      </header>
      <main id="reports" tabIndex={-1}>
        <h1 class="unseen">Reports of {workspace.name}</h1>
        <Toolbar view={view} choose={choose} range={overview.data?.range ?? null} zone={workspace.time_zone} />
        <Chips view={view} choose={choose} />
        <Overview {...shared} answer={overview} />
        <div class="grid">
          {CARDS.map(([title, dimensions]) => (
            <Breakdown key={title} {...shared} title={title} dimensions={dimensions} overview={overview} />
          ))}
          <Funnel view={view} />
          <Attribution {...shared} />
        </div>
      </main>
      <footer class="foot">
        {overview.data?.exact === false
          ? "Some numbers are estimates; the API says how far off they may be."
          : "Every number is exact."}{" "}
        Days are those of {workspace.time_zone}. What counts, and how, is said in each report of the{" "}
        <a href="/api/v1/openapi.json">API</a>.
      </footer>
    </>
  );
}
