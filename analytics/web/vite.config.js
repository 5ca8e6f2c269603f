// How the dashboard is built: into a folder that cargo embeds, with nothing in it that the page's Content-Security-Policy
// forbids (no text inside the markup, no data: URL).

import { defineConfig } from "vite";

export default defineConfig({
  base: "/dashboard/",
  build: {
    outDir: "dist/dashboard",
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
  },
});
