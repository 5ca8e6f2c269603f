// Where the page begins.

import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./style/base.css";
import "./style/page.css";
import "./style/overview.css";
import "./style/lists.css";
import "./style/funnel.css";
import "./style/attribution.css";
import "./style/notices.css";
import { App } from "./parts/App";

const root = document.getElementById("root");
if (root) render(<App />, root);
