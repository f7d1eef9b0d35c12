// The full view of one plan, alone in a frame. Before this runs, the page puts {plan, query} into window.dbperfPlan and
// tells Font Awesome, which comes with pev2, to add no style: the policy allows none that is made at run time.
import { createApp, h } from "vue";
import { Plan } from "pev2";
import "bootstrap/dist/css/bootstrap.css";
import "@fortawesome/fontawesome-svg-core/styles.css";
import "pev2/dist/pev2.css";

const { plan, query } = window.dbperfPlan;
createApp({ render: () => h(Plan, { planSource: plan, planQuery: query }) }).mount("#plan");
