// The official Node SDK against a running platform: one line of JSON per check.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const [sdk, url, key] = process.argv.slice(2);
const Stripe = createRequire(`${sdk}/`)("stripe");
const { hostname, port } = new URL(url);

const client = (secret = key, more = {}) =>
  new Stripe(secret, {
    host: hostname,
    port: Number(port),
    protocol: "http",
    maxNetworkRetries: 0,
    telemetry: false,
    ...more,
  });
const stripe = client();
const { errors } = Stripe;

const lunch = (more = {}) => ({
  amount: 2000,
  currency: "usd",
  payment_method: "pm_card_visa",
  confirm: true,
  ...more,
});

const refused = async (kind, doing) => {
  try {
    await doing();
  } catch (error) {
    assert.ok(error instanceof kind, `${error.constructor.name}: ${error.message}`);
    return error;
  }
  throw new Error(`expected ${kind.name}`);
};

const seen = async (look) => {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const found = await look();
    if (found) return found;
    await new Promise((resume) => setTimeout(resume, 50));
  }
  throw new Error("it did not happen in time");
};

const checks = {
  "a payment succeeds": async () => {
    const paid = await stripe.paymentIntents.create(lunch());
    assert.equal(paid.status, "succeeded");
    assert.equal(paid.livemode, false);
    assert.match(paid.lastResponse.requestId, /^req_/);
  },
  "a payment is created, changed and confirmed": async () => {
    const made = await stripe.paymentIntents.create({ amount: 2000, currency: "usd" });
    assert.equal(made.status, "requires_payment_method");
    const changed = await stripe.paymentIntents.update(made.id, { amount: 2500 });
    assert.equal(changed.amount, 2500);
    const paid = await stripe.paymentIntents.confirm(made.id, { payment_method: "pm_card_visa" });
    assert.equal(paid.amount_received, 2500);
  },
  "a hold is captured in part": async () => {
    const held = await stripe.paymentIntents.create(lunch({ capture_method: "manual" }));
    assert.equal(held.status, "requires_capture");
    const taken = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 1500 });
    assert.equal(taken.amount_received, 1500);
  },
  "a hold is given up": async () => {
    const held = await stripe.paymentIntents.create(lunch({ capture_method: "manual" }));
    const gone = await stripe.paymentIntents.cancel(held.id, { cancellation_reason: "duplicate" });
    assert.equal(gone.status, "canceled");
  },
  "a decline is a card error": async () => {
    const error = await refused(errors.StripeCardError, () =>
      stripe.paymentIntents.create(lunch({ payment_method: "pm_card_visa_chargeDeclined" })),
    );
    assert.equal(error.code, "card_declined");
    assert.equal(error.decline_code, "generic_decline");
    assert.equal(error.payment_intent.status, "requires_payment_method");
    assert.equal(error.statusCode, 402);
  },
  "a missing field is an invalid request": async () => {
    const error = await refused(errors.StripeInvalidRequestError, () =>
      stripe.paymentIntents.create({ currency: "usd" }),
    );
    assert.equal(error.param, "amount");
    assert.match(error.requestId, /^req_/);
  },
  "an unknown id is a missing resource": async () => {
    const error = await refused(errors.StripeInvalidRequestError, () =>
      stripe.charges.retrieve("ch_nobody"),
    );
    assert.equal(error.code, "resource_missing");
    assert.equal(error.statusCode, 404);
  },
  "a wrong key is an authentication error": () =>
    refused(errors.StripeAuthenticationError, () => client("sk_test_wrong").balance.retrieve()),
  "a key is used once for one request": async () => {
    const options = { idempotencyKey: `node-${key}` };
    const first = await stripe.paymentIntents.create(lunch(), options);
    const again = await stripe.paymentIntents.create(lunch(), options);
    assert.equal(first.id, again.id);
    await refused(errors.StripeIdempotencyError, () =>
      stripe.paymentIntents.create(lunch({ amount: 1999 }), options),
    );
  },
  "the sdk repeats by itself": async () => {
    const paid = await client(key, { maxNetworkRetries: 2 }).paymentIntents.create(lunch());
    assert.equal(paid.status, "succeeded");
  },
  "every dated version is taken": async () => {
    const paid = await client(key, { apiVersion: "2024-06-20" }).paymentIntents.create(lunch());
    assert.equal(paid.status, "succeeded");
  },
  "a customer is kept, changed and deleted": async () => {
    const made = await stripe.customers.create({ name: "Jürgen 王", metadata: { größe: "ß & =" } });
    const kept = await stripe.customers.retrieve(made.id);
    assert.equal(kept.name, "Jürgen 王");
    assert.deepEqual({ ...kept.metadata }, { größe: "ß & =" });
    const changed = await stripe.customers.update(made.id, { metadata: { größe: "" } });
    assert.deepEqual({ ...changed.metadata }, {});
    assert.equal((await stripe.customers.del(made.id)).deleted, true);
  },
  "a saved card pays while the payer is away": async () => {
    const jenny = await stripe.customers.create();
    const card = await stripe.paymentMethods.attach("pm_card_visa", { customer: jenny.id });
    const paid = await stripe.paymentIntents.create(
      lunch({ customer: jenny.id, payment_method: card.id, off_session: true }),
    );
    assert.equal(paid.status, "succeeded");
    const own = await stripe.customers.listPaymentMethods(jenny.id);
    assert.deepEqual(own.data.map((each) => each.id), [card.id]);
    assert.equal((await stripe.paymentMethods.detach(card.id)).customer, null);
  },
  "a card by number becomes a method": async () => {
    const card = { number: "4242424242424242", exp_month: 12, exp_year: 2040, cvc: "123" };
    const method = await stripe.paymentMethods.create({ type: "card", card });
    assert.equal(method.card.last4, "4242");
  },
  "a setup succeeds": async () => {
    const setup = await stripe.setupIntents.create({
      payment_method: "pm_card_visa",
      confirm: true,
      return_url: "https://shop.example/",
    });
    assert.equal(setup.status, "succeeded");
  },
  "a payer is sent to the bank": async () => {
    const asked = await stripe.paymentIntents.create(
      lunch({
        payment_method: "pm_card_threeDSecure2Required",
        return_url: "https://shop.example/",
      }),
    );
    assert.equal(asked.status, "requires_action");
    const page = await fetch(asked.next_action.redirect_to_url.url);
    assert.equal(page.status, 200);
  },
  "a payment is refunded and never beyond": async () => {
    const paid = await stripe.paymentIntents.create(lunch());
    const refund = await stripe.refunds.create({ payment_intent: paid.id, amount: 500 });
    assert.equal(refund.status, "succeeded");
    await refused(errors.StripeInvalidRequestError, () =>
      stripe.refunds.create({ payment_intent: paid.id, amount: 1501 }),
    );
    const noted = await stripe.refunds.update(refund.id, { metadata: { a: "b" } });
    assert.deepEqual({ ...noted.metadata }, { a: "b" });
    const listed = await stripe.refunds.list({ payment_intent: paid.id });
    assert.equal(listed.data.length, 1);
  },
  "charges are shown, noted and listed": async () => {
    const paid = await stripe.paymentIntents.create(lunch());
    const charge = await stripe.charges.update(paid.latest_charge, { description: "lunch" });
    assert.equal(charge.description, "lunch");
    const listed = await stripe.charges.list({ payment_intent: paid.id });
    assert.deepEqual(listed.data.map((each) => each.id), [charge.id]);
  },
  "objects are shown in place of their ids": async () => {
    const paid = await stripe.paymentIntents.create(
      lunch({ expand: ["latest_charge.balance_transaction.source", "payment_method"] }),
    );
    assert.equal(paid.latest_charge.balance_transaction.source.id, paid.latest_charge.id);
    assert.equal(paid.payment_method.card.brand, "visa");
  },
  "pages go on by themselves": async () => {
    const email = `pages-${Date.now()}@example.com`;
    for (let number = 0; number < 7; number += 1) await stripe.customers.create({ email });
    const ids = [];
    for await (const each of stripe.customers.list({ email, limit: 3 })) ids.push(each.id);
    assert.equal(new Set(ids).size, 7);
    const some = await stripe.customers.list({ email, limit: 2 }).autoPagingToArray({ limit: 5 });
    assert.deepEqual(some.map((each) => each.id), ids.slice(0, 5));
  },
  "the balance is told": async () => {
    const balance = await stripe.balance.retrieve();
    assert.equal(balance.object, "balance");
    const entries = await stripe.balanceTransactions.list({ limit: 3 });
    assert.equal(entries.data[0].net, entries.data[0].amount - entries.data[0].fee);
  },
  "events tell what happened": async () => {
    const made = await stripe.customers.create({ name: "Jenny" });
    const told = await seen(async () => {
      const events = await stripe.events.list({ type: "customer.created", limit: 100 });
      return events.data.find((event) => event.data.object.id === made.id);
    });
    const event = await stripe.events.retrieve(told.id);
    assert.equal(event.data.object.name, "Jenny");
  },
  "a currency without decimals": async () => {
    const paid = await stripe.paymentIntents.create(lunch({ amount: 500, currency: "jpy" }));
    assert.equal(paid.amount_received, 500);
  },
  "the account is told": async () => {
    assert.equal((await stripe.accounts.retrieveCurrent()).charges_enabled, true);
  },
  "endpoints are managed": async () => {
    const hook = await stripe.webhookEndpoints.create({
      url: "https://shop.example/hook",
      enabled_events: ["charge.*"],
    });
    const changed = await stripe.webhookEndpoints.update(hook.id, { disabled: true });
    assert.equal(changed.status, "disabled");
    assert.equal((await stripe.webhookEndpoints.del(hook.id)).deleted, true);
  },
  "a webhook proves its sender": async () => {
    const kept = [];
    const server = createServer((request, response) => {
      const parts = [];
      request.on("data", (part) => parts.push(part));
      request.on("end", () => {
        kept.push([Buffer.concat(parts), request.headers["stripe-signature"]]);
        response.end();
      });
    });
    await new Promise((resume) => server.listen(0, "127.0.0.1", resume));
    try {
      const hook = await stripe.webhookEndpoints.create({
        url: `http://127.0.0.1:${server.address().port}/hook`,
        enabled_events: ["payment_intent.succeeded"],
      });
      const paid = await stripe.paymentIntents.create(lunch());
      const [body, signature] = await seen(() => kept[0]);
      const event = stripe.webhooks.constructEvent(body, signature, hook.secret);
      assert.equal(event.data.object.id, paid.id);
      assert.throws(
        () => stripe.webhooks.constructEvent(`${body} `, signature, hook.secret),
        errors.StripeSignatureVerificationError,
      );
      await stripe.webhookEndpoints.del(hook.id);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  },
};

for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(JSON.stringify({ name, error: null }));
  } catch (error) {
    console.log(JSON.stringify({ name, error: String(error?.stack ?? error) }));
  }
}
