// Reads workflows as GitHub does, expressions too: validate.mjs FILE... Says what is wrong and where; exit code 1.
import { readFileSync } from 'node:fs';
import { register } from 'node:module';

// The parser imports JSON as bundlers have it, without the attribute that node wants.
register(
  'data:text/javascript,' +
    encodeURIComponent(`import { readFile } from 'node:fs/promises';
      export async function load(url, context, next) {
        if (!url.endsWith('.json')) return next(url, context);
        return { format: 'module', shortCircuit: true, source: 'export default ' + (await readFile(new URL(url), 'utf8')) };
      }`),
);
const { NoOperationTraceWriter, convertWorkflowTemplate, parseWorkflow } = await import('@actions/workflow-parser');

const pinned = /^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/;
let bad = 0;

function complain(file, text) {
  console.log(`${file}: ${text}`);
  bad = 1;
}

for (const name of process.argv.slice(2)) {
  const { context, value } = parseWorkflow({ name, content: readFileSync(name, 'utf8') }, new NoOperationTraceWriter());
  const workflow = value && (await convertWorkflowTemplate(context, value));
  for (const error of context.errors.getErrors()) complain(name, error.message);
  if (!value) continue;
  for (const job of workflow.jobs ?? []) {
    for (const step of job.steps ?? []) {
      if (step.uses && !pinned.test(step.uses.value)) complain(name, `${step.uses.value} is not pinned to a commit`);
    }
  }
  if (!workflow.jobs?.length) complain(name, 'has no jobs');
}
process.exit(bad);
