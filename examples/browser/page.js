// Three brokers in a worker, and a page that sends records, breaks the leader and shows what stands.
import { Cluster } from "blumfeld";

const TOPIC = "orders";
const form = document.querySelector("form");
const status = document.querySelector("[role=status]");
const list = document.querySelector("ol");

const worker = new Worker("./node_modules/blumfeld/worker.js", { type: "module" });
const cluster = await Cluster.start({ brokers: 3, worker });
await cluster.createTopic(TOPIC, { replicationFactor: 3 });
const producer = await cluster.producer({ acks: "all" });

/** Shows who leads, and the records that consumers can read. */
async function show() {
  const leader = (await cluster.view()).leader(TOPIC, 0);
  status.textContent = leader === undefined ? "Nobody leads." : `Broker ${leader} leads.`;
  const records = await cluster.records(TOPIC);
  list.replaceChildren(
    ...records.map(({ valueText }) => Object.assign(document.createElement("li"), { textContent: valueText })),
  );
}

/** Does something with the buttons disabled, and shows what follows or what went wrong. */
async function doing(something) {
  form.send.disabled = form.crash.disabled = true;
  try {
    await something();
    await show();
  } catch (error) {
    status.textContent = error.message;
  }
  form.send.disabled = form.crash.disabled = false;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  doing(() => producer.send({ topic: TOPIC, value: form.value.value }));
});

form.crash.addEventListener("click", () =>
  doing(async () => {
    const leader = (await cluster.view()).leader(TOPIC, 0);
    if (leader === undefined) throw new Error("Nobody leads: there is no leader to crash.");
    await cluster.fault(`crash ${leader}`);
    // 9 s of the cluster's time, which go by at once.
    await cluster.until((view) => (view.leader(TOPIC, 0) ?? leader) !== leader, {
      describe: `${TOPIC}-0 has another leader`,
      advance: true,
    });
  }),
);

await doing(async () => {});
