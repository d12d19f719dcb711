import test from "node:test";
import assert from "node:assert/strict";
import { Cluster } from "blumfeld";
import { logLevel } from "kafkajs";
import { Shop } from "./shop.js";

const ORDERS = ["espresso", "croissant", "ramyeon"].map((item, at) => ({ customer: `customer-${at}`, item }));

/** A cluster with the topic, and a shop that is its client. Both end with the test. */
async function opened(t) {
  const cluster = await Cluster.start({ brokers: 3, seed: 7 });
  const { brokers, socketFactory } = cluster;
  const shop = new Shop({ brokers, socketFactory, logLevel: logLevel.NOTHING });
  t.after(async () => {
    await shop.close();
    cluster.stop();
  });
  await cluster.createTopic("orders", { replicationFactor: 3, configs: { "min.insync.replicas": 2 } });
  await shop.open();
  return { cluster, shop };
}

/** The orders that stand in the topic. */
async function stand(cluster) {
  return (await cluster.records("orders")).map((record) => JSON.parse(record.valueText));
}

test("an order is taken although the leader answers with errors", async (t) => {
  const { cluster, shop } = await opened(t);
  const leader = (await cluster.view()).leader("orders", 0);
  await cluster.fault(`request ${leader} Produce error NOT_ENOUGH_REPLICAS 2`);
  for (const order of ORDERS) await shop.take(order);
  assert.deepEqual((await cluster.view()).faults, [], "both errors were answered");
  assert.deepEqual(await stand(cluster), ORDERS, "and each order stands once");
});

test("no order is lost or doubled when the leader crashes", async (t) => {
  const { cluster, shop } = await opened(t);
  const [first, ...others] = ORDERS;
  await shop.take(first);
  const leader = (await cluster.view()).leader("orders", 0);
  await cluster.fault(`crash ${leader}`);
  // The shop goes on while nobody leads. The cluster needs 9 s to give the broker up, which pass at once here.
  const taking = shop.take(others[0]);
  const view = await cluster.until((view) => (view.leader("orders", 0) ?? leader) !== leader, {
    describe: "orders-0 has another leader",
    advance: true,
  });
  assert.deepEqual(view.partition("orders", 0).isr.includes(leader), false);
  await taking;
  for (const order of others.slice(1)) await shop.take(order);
  assert.deepEqual(await stand(cluster), ORDERS);

  await cluster.fault(`restart ${leader}`);
  await cluster.until((view) => view.inSync("orders"), {
    describe: "the broker that crashed is in sync again",
    advance: true,
  });
});
