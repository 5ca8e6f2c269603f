// A line over time in uPlot, with what the pointer or the arrow keys are at.

import { useEffect, useRef, useState } from "preact/hooks";
import type { JSX } from "preact";
import uPlot from "uplot";
import { intervalName, tick } from "../format/time";
import type { Interval } from "../view/period";

export interface Point {
  time: string;
  now: number | null;
  before: number | null;
  /** Whether more will come to it: drawn so that it does not look like a fall. */
  isOpen: boolean;
}

interface Props {
  points: Point[];
  hasBefore: boolean;
  interval: Interval;
  label: string;
  write: (value: number | null) => string;
  rough: (value: number) => string;
  /** Whether between two whole numbers there is none. */
  isCount: boolean;
}

const HEIGHT = 260;
/** Below this much room for each, labels of the axis would touch. */
const LABEL_PX = 74;

/** Steps of an axis of counts. */
const COUNTS = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

export function Chart(props: Props): JSX.Element {
  const { points, interval, label, write, hasBefore } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [at, setAt] = useState<{ index: number; left: number } | null>(null);

  useEffect(() => {
    const target = place.current;
    if (!target) return;
    const make = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(options(target, props, setAt), data(points, hasBefore), target);
    };
    make();
    const size = new ResizeObserver(() => plot.current?.setSize({ width: target.clientWidth, height: HEIGHT }));
    size.observe(target);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", make);
    return () => {
      size.disconnect();
      dark.removeEventListener("change", make);
      plot.current?.destroy();
      plot.current = null;
      setAt(null);
    };
  }, [points, hasBefore, interval]);

  const step = (event: KeyboardEvent): void => {
    const last = points.length - 1;
    const from = at?.index ?? (event.key === "ArrowLeft" ? points.length : -1);
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last, Escape: null }[event.key];
    if (to === undefined || !plot.current) return;
    event.preventDefault();
    if (to === null) {
      plot.current.setCursor({ left: -10, top: -10 });
      return;
    }
    const index = Math.min(Math.max(to, 0), last);
    plot.current.setCursor({ left: plot.current.valToPos(index, "x"), top: HEIGHT / 3 });
  };

  const point = at && points[at.index];
  return (
    <div class="chart" role="group" aria-label={label} tabIndex={0} onKeyDown={step}>
      <div ref={place} class="chart-plot" aria-hidden="true" />
      <div class="chart-at" role="status" aria-live="polite">
        {at && point && (
          <div class={`tip ${at.left > (place.current?.clientWidth ?? 0) / 2 ? "to-left" : ""}`} style={{ left: `${at.left}px` }}>
            <strong>{intervalName(point.time, interval)}</strong>
            <span><i class="line now" /> {write(point.now)}{point.isOpen && " so far"}</span>
            {hasBefore && <span><i class="line before" /> {write(point.before)} before</span>}
          </div>
        )}
      </div>
    </div>
  );
}

function data(points: Point[], hasBefore: boolean): uPlot.AlignedData {
  const xs = points.map((_, index) => index);
  const now = points.map((point) => (point.isOpen ? null : point.now));
  const open = points.map((point, index) => (point.isOpen || points[index + 1]?.isOpen ? point.now : null));
  return hasBefore ? [xs, points.map((point) => point.before), open, now] : [xs, open, now];
}

type SetAt = (at: { index: number; left: number } | null) => void;

function options(target: HTMLElement, props: Props, setAt: SetAt): uPlot.Options {
  const { points, hasBefore, interval, rough, isCount } = props;
  const style = getComputedStyle(target);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const font = `12px ${style.fontFamily}`;
  const axis = { stroke: colour("--muted"), font, ticks: { show: false } };
  const isAlone = points.length === 1;
  const before: uPlot.Series = { stroke: colour("--before"), width: 1.5, dash: [4, 4], points: { show: isAlone } };
  const now: uPlot.Series = {
    stroke: colour("--accent"),
    width: 2,
    fill: (u) => {
      const { top, height } = u.bbox;
      const fade = u.ctx.createLinearGradient(0, top, 0, top + height);
      fade.addColorStop(0, colour("--accent-fade"));
      fade.addColorStop(1, colour("--accent-gone"));
      return fade;
    },
    points: { show: isAlone },
  };
  const open: uPlot.Series = { stroke: colour("--accent"), width: 2, dash: [2, 4], points: { show: isAlone } };
  return {
    width: target.clientWidth,
    height: HEIGHT,
    padding: [12, 8, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { size: 8, width: 2, fill: colour("--surface") },
    },
    scales: {
      x: { time: false },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        gap: 8,
        size: 30,
        splits: (u) => marks(points.length, Math.floor(u.bbox.width / devicePixelRatio / LABEL_PX)),
        values: (_, splits) => splits.map((index) => tick(points[index]?.time ?? "", interval)),
      },
      {
        ...axis,
        grid: { stroke: colour("--border"), width: 1 },
        size: (u, values) => {
          u.ctx.save();
          u.ctx.font = font;
          const widest = Math.max(0, ...(values ?? []).map((text) => u.ctx.measureText(text).width));
          u.ctx.restore();
          return widest + 14;
        },
        ...(isCount && { incrs: COUNTS }),
        values: (_, splits) => splits.map(rough),
      },
    ],
    series: hasBefore ? [{}, before, open, now] : [{}, open, now],
    hooks: {
      setCursor: [
        (u) => {
          const { idx, left } = u.cursor;
          const isOn = idx !== null && idx !== undefined && left !== undefined && left >= 0;
          setAt(isOn ? { index: idx, left: u.valToPos(idx, "x") + u.bbox.left / devicePixelRatio } : null);
        },
      ],
    },
  };
}

/** The numbers of the points that get a label, evenly apart. */
function marks(count: number, room: number): number[] {
  const step = Math.max(1, Math.ceil(count / Math.max(1, room)));
  return Array.from({ length: Math.ceil(count / step) }, (_, mark) => mark * step);
}
