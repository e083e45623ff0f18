import { type Html, html } from "./html.ts";

/** What holds for every operation, with the address under which this very service is reached. */
export const introduction = (url: string): Html => html`<h1>API reference</h1>
<p>Everything that Tributary does can be done over HTTP, in JSON, under <code>/v1</code>. These pages are made from
<a href="/openapi.json">the OpenAPI document</a>, and that from the very schemas that validate: they cannot be older than the service.</p>
<h2>Calling it</h2>
<pre><code>export TRIBUTARY_URL=${url}
export TRIBUTARY_KEY=trib_…
curl "$TRIBUTARY_URL/v1/sessions/current" -H "Authorization: Bearer $TRIBUTARY_KEY"</code></pre>
<ul class="facts">
<li><strong>Keys</strong> have a role: operator, payee, customer or ingest. What is not yours does not exist: 404.</li>
<li><strong>Money</strong> is <code>{ "currency": "USD", "amount": "12.345678901" }</code>: nine decimals, a string, never a number.
Times are RFC 3339 in UTC.</li>
<li><strong>Lists</strong> come in pages, <code>{ "data": […], "next_cursor": "…" }</code>: ask again with <code>?cursor=</code> until it is null.</li>
<li><strong>Errors</strong> are problem documents (RFC 9457): a stable <code>code</code>, a <code>detail</code> that says what to do, and
<code>errors</code> with the path of each field that is wrong.</li>
<li><strong>Repeating</strong> is safe: GET, PUT and DELETE as they are, a POST under an <code>Idempotency-Key</code> of your own.</li>
<li><strong>Versions</strong>: what works today works tomorrow. What has to go says so for twelve months before, in
<code>Deprecation</code> and <code>Sunset</code> headers and here.</li>
<li><strong>From Node</strong>: the client in <code>src/client</code> has all of it in types, and sends usage exactly once.</li>
</ul>
`;
