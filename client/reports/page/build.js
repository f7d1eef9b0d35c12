// Makes what the client embeds: `node build.js FOLDER`. Each bundle is one script that a page can carry without a
// network, and licenses.txt holds the licences of all that is in them.
import { build } from "esbuild";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const target = process.argv[2] ?? join(here, "..", "..", "..", "build", "report");

await build({
  absWorkingDir: here,
  entryPoints: ["charts.js", "plan_view.js"],
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome100", "firefox100", "safari15"],
  charset: "ascii",
  legalComments: "none", // licenses.txt has them
  define: {
    "process.env.NODE_ENV": '"production"',
    __VUE_OPTIONS_API__: "true",
    __VUE_PROD_DEVTOOLS__: "false",
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
  },
  alias: { vue: "vue/dist/vue.runtime.esm-bundler.js" }, // without the compiler of templates, which would need eval
  outdir: target,
});

// The packages that may have come into a bundle, by what each one depends on; Vue's compilers never do.
const collected = new Map();
function collect(name) {
  const folder = join(modules, name);
  if (collected.has(name) || /^@vue\/(compiler-|server-renderer)/.test(name) || !existsSync(folder)) return;
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((each) => /^(licen[cs]e|copying)/i.test(each));
  const text = file ? readFileSync(join(folder, file), "utf8").replace(/\r/g, "").trim() : "";
  collected.set(name, { title: `${name} ${about.version} (${about.license ?? "see below"})`, text });
  Object.keys({ ...about.dependencies, ...about.peerDependencies }).forEach(collect);
}
["uplot", "pev2", "vue"].forEach(collect);

// Packages with one licence share its text, each with its own lines of copyright.
const groups = new Map();
for (const { title, text } of collected.values()) {
  const lines = text.split("\n");
  const isCopyright = (line) => /^\W*(portions )?copyright\b/i.test(line);
  const terms = lines.filter((line) => !isCopyright(line)).join("\n").trim();
  const key = terms.replace(/\s+/g, " ").replace(/^(the )?(mit|isc) license( \(mit\))?\W*/i, "").toLowerCase();
  const group = groups.get(key) ?? { terms, packages: [] };
  group.packages.push([title, ...lines.filter(isCopyright).map((line) => "  " + line.trim())].join("\n"));
  groups.set(key, group);
}
mkdirSync(target, { recursive: true });
const rule = "\n\n" + "-".repeat(78) + "\n\n";
const licenses = [...groups.values()].map((group) => group.packages.join("\n") + "\n\n" + group.terms).join(rule);
writeFileSync(join(target, "licenses.txt"), licenses.replace(/--+>/g, "- >") + "\n");
