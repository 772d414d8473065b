// What was built holds much that no browser asks for: sources, their maps, other themes. This deletes it.
import { readdirSync, rmSync } from "node:fs";

const DIST = new URL("dist/", import.meta.url);
// The app's theme, and what it is made of.
const THEMES = ["base", "sap_horizon"];
const UNWANTED = /(-dbg(-\d+)?\.js|-dbg\.\w+\.js|\.map|\.less|\.theming)$/;

const theme = (path) => path.match(/\/themes\/([^/]+)\//)?.[1];

rmSync(new URL("test-resources", DIST), { recursive: true, force: true });
for (const entry of readdirSync(DIST, { recursive: true, withFileTypes: true })) {
  const path = `${entry.parentPath}/${entry.name}`;
  if (entry.isFile() && (UNWANTED.test(path) || !THEMES.includes(theme(path) ?? "base"))) {
    rmSync(path);
  }
}
