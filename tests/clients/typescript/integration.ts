// A platform's integration, on nothing but the generated types: one campaign from the users to the report.
// It takes the API's URL and a key as arguments, and prints what it found as JSON.

import createClient from "openapi-fetch";
import type { components, paths } from "./campaigns.js";

type Schemas = components["schemas"];
type Problem = Schemas["Problem"];
type Client = ReturnType<typeof createClient<paths>>;

const USERS = 40;
const PATIENCE_MILLISECONDS = 30_000;
const AUDIENCE: Schemas["Audience"] = { filter: { kind: "group", group: "choir-parents" } };
const HTML =
  '<p>Dear {{ first_name }}, <a href="https://riverside.example/choir">choir</a> begins on Monday.</p>';

/** Return what was asked for; stop at a problem. */
function take<Data>(answer: { data?: Data; error?: Problem }): Data {
  if (answer.data === undefined) throw new Error(`refused: ${JSON.stringify(answer.error)}`);
  return answer.data;
}

/** Return the problem that had to come. */
function expectProblem(answer: { data?: unknown; error?: Problem }): Problem {
  if (answer.error === undefined) throw new Error(`not refused: ${JSON.stringify(answer.data)}`);
  return answer.error;
}

/** Push the users and their group; return how many are new. */
async function pushPeople(client: Client): Promise<number> {
  const numbers = Array.from({ length: USERS }, (_, index) => index + 1);
  const users: Schemas["UserItem"][] = numbers.map((n) => ({
    external_id: `u-${n}`,
    email: `parent${n}@riverside.example`,
    first_name: `Parent ${n}`,
  }));
  const { created } = take(await client.PUT("/v1/directory/users", { body: { items: users } }));
  const group = { external_id: "choir-parents", name: "Choir parents" };
  take(await client.PUT("/v1/directory/groups", { body: { items: [group] } }));
  const members = numbers.map((n) => ({ external_id: `m-${n}`, group: "choir-parents", user: `u-${n}` }));
  take(await client.PUT("/v1/directory/memberships", { body: { items: members } }));
  return created;
}

/** Let one parent unsubscribe, and suppress the address of another. */
async function leaveOutTwo(client: Client): Promise<void> {
  take(
    await client.PATCH("/v1/directory/users/{external_id}/preferences", {
      params: { path: { external_id: "u-1" } },
      body: { newsletter: "unsubscribed" },
    }),
  );
  take(
    await client.POST("/v1/suppressions", { body: { items: [{ address: "parent2@riverside.example" }] } }),
  );
}

/** Count the audience. */
function preview(client: Client, message_type: Schemas["MessageType"]) {
  return client.POST("/v1/audiences/preview", { body: { audience: AUDIENCE, message_type } });
}

/** Send the newsletter; the same content is the same campaign, however often it is sent. */
function send(client: Client, html: string, expected_recipients: number) {
  return client.POST("/v1/messages", {
    params: { header: { "idempotency-key": `choir-${html.length}-${expected_recipients}` } },
    body: {
      message_type: "newsletter",
      subject: "Choir begins again",
      html,
      audience: AUDIENCE,
      expected_recipients,
      sent_by: { id: "t-1", name: "Marta Ruiz" },
    },
  });
}

function readCampaign(client: Client, campaign_id: string) {
  return client.GET("/v1/campaigns/{campaign_id}", { params: { path: { campaign_id } } });
}

/** Wait until all mail is handed over, and all of it is heard of. */
async function waitUntilSent(client: Client, id: string): Promise<Schemas["CampaignDetail"]> {
  const deadline = Date.now() + PATIENCE_MILLISECONDS;
  while (Date.now() < deadline) {
    const campaign = take(await readCampaign(client, id));
    if (campaign.status === "sent" && campaign.stats.pending === 0) return campaign;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("not sent in time");
}

/** Read every page of the recipients, by address. */
async function* readRecipients(client: Client, campaign_id: string): AsyncGenerator<Schemas["RecipientView"]> {
  let cursor: string | null = null;
  do {
    const page: Schemas["RecipientPage"] = take(
      await client.GET("/v1/campaigns/{campaign_id}/recipients", {
        params: { path: { campaign_id }, query: { limit: 15, sort: "email", cursor } },
      }),
    );
    yield* page.items;
    cursor = page.next_cursor;
  } while (cursor !== null);
}

/** Read all that the report says. */
async function report(client: Client, id: string) {
  const campaign = await waitUntilSent(client, id);
  const params = { path: { campaign_id: id } };
  const statuses: Partial<Record<Schemas["DeliveryStatus"], number>> = {};
  const emails: (string | null)[] = [];
  for await (const each of readRecipients(client, id)) {
    statuses[each.delivery_status] = (statuses[each.delivery_status] ?? 0) + 1;
    emails.push(each.email);
  }
  const excluded = take(await client.GET("/v1/campaigns/{campaign_id}/exclusions", { params })).items;
  const links = take(await client.GET("/v1/campaigns/{campaign_id}/links", { params })).items;
  const file = take(
    await client.GET("/v1/campaigns/{campaign_id}/recipients.csv", { params, parseAs: "text" }),
  );
  return {
    status: campaign.status,
    stats: campaign.stats,
    sent_at: campaign.sent_at,
    statuses,
    emails,
    excluded: Object.fromEntries(excluded.map((each) => [each.user, each.reason])),
    links: links.map((each) => each.url),
    rows_of_file: file.trimEnd().split("\r\n").length - 1,
  };
}

/** Do what is refused, each in its own way; return the problems. */
async function beRefused(client: Client, stranger: Client, recipients: number) {
  const problems = [
    expectProblem(await send(client, "<p>{{ nickname }}</p>", recipients)),
    expectProblem(await send(client, HTML, recipients * 2)),
    expectProblem(await readCampaign(client, "00000000-0000-0000-0000-000000000000")),
    expectProblem(await preview(stranger, "marketing")),
  ];
  return problems.map(({ status, type, errors }) => [status, type, errors.map((fault) => fault.pointer)]);
}

async function main(baseUrl: string, key: string): Promise<void> {
  const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });
  const stranger = createClient<paths>({ baseUrl, headers: { Authorization: "Bearer ck_none" } });
  const stored = await pushPeople(client);
  await leaveOutTwo(client);
  const previewed = take(await preview(client, "newsletter"));
  const campaign = take(await send(client, HTML, previewed.recipients));
  const again = take(await send(client, HTML, previewed.recipients));
  const found = {
    stored,
    previewed,
    campaign: campaign.id,
    same_campaign: again.id === campaign.id,
    report: await report(client, campaign.id),
    problems: await beRefused(client, stranger, previewed.recipients),
  };
  console.log(JSON.stringify(found));
}

const [baseUrl, key] = process.argv.slice(2);
if (baseUrl === undefined || key === undefined) throw new Error("usage: integration.js URL KEY");
await main(baseUrl, key);
