/* The OpenAPI 3.1 document, made from the table that is dispatched from: what it says of paths, methods and statuses
 * is what the handlers do.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <jansson.h>
#include <talloc.h>

#include "json_srv.h"

#define NULLABLE(name) "\"" name "\":{\"type\":[\"string\",\"null\"]}"
#define STRING(name) "\"" name "\":{\"type\":\"string\"}"
#define NUMBER(name) "\"" name "\":{\"type\":\"integer\",\"minimum\":0}"
#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define EID_SCHEMA "{\"type\":\"string\",\"pattern\":\"^[0-9]{32}$\"}"
#define ICCID_SCHEMA "{\"type\":\"string\",\"pattern\":\"^[0-9]{19,20}$\"}"

static const char schemas[] =
	"{\"Document\":{\"type\":\"object\",\"required\":[\"openapi\",\"paths\"]},"
	"\"Pol2Rule\":{\"type\":\"object\",\"additionalProperties\":false,"
	"\"required\":[\"subject\",\"action\",\"qualification\"],"
	"\"properties\":{" STRING("subject") "," STRING("action") "," STRING("qualification") "}},"
	"\"Profile\":{\"type\":\"object\",\"additionalProperties\":false,"
	"\"required\":[\"iccid\",\"state\",\"fallback\",\"pol2\"],"
	"\"properties\":{\"iccid\":" ICCID_SCHEMA ",\"state\":{\"enum\":[\"created\",\"disabled\",\"enabled\"]},"
	"\"fallback\":{\"type\":\"boolean\"}," NULLABLE("type") "," NULLABLE("owner") "," NULLABLE("smdp") ","
	NULLABLE("imsi") "," NULLABLE("msisdn") "," NUMBER("allocated_memory") ","
	"\"pol2\":{\"type\":\"array\",\"items\":" REF("Pol2Rule") "}}},"
	"\"ProfileList\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"profiles\"],"
	"\"properties\":{\"profiles\":{\"type\":\"array\",\"items\":" REF("Profile") "}}},"
	"\"Euicc\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"eid\",\"profiles\"],"
	"\"properties\":{\"eid\":" EID_SCHEMA "," NULLABLE("eum") "," NULLABLE("produced") "," NULLABLE("platform_type") ","
	NULLABLE("platform_version") "," NUMBER("remaining_memory") "," NUMBER("available_memory") ","
	"\"profiles\":{\"type\":\"array\",\"items\":" REF("Profile") "}}},"
	"\"EuiccList\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"euiccs\",\"next\"],"
	"\"properties\":{\"euiccs\":{\"type\":\"array\",\"items\":" REF("Euicc") "}," NULLABLE("next") "}},"
	"\"Event\":{\"type\":\"object\",\"required\":[\"id\",\"at\",\"event\",\"outcome\"],"
	"\"properties\":{" NUMBER("id") "," NULLABLE("at") "," STRING("event") "," NULLABLE("outcome") ","
	"\"operation\":" REF("Operation") "}},"
	"\"Operation\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"id\",\"self\",\"function\",\"eid\","
	"\"state\",\"created\",\"deadline\",\"finished\",\"status\"],"
	"\"properties\":{" NUMBER("id") "," STRING("self") "," STRING("function") ",\"eid\":" EID_SCHEMA ","
	NULLABLE("iccid") ",\"state\":{\"enum\":[\"running\",\"finished\"]}," NULLABLE("created") "," NULLABLE("deadline") ","
	NULLABLE("finished") "," NULLABLE("status") "," NULLABLE("subject_code") "," NULLABLE("reason_code") ","
	NULLABLE("message") "," NULLABLE("progress") ",\"timeline\":{\"type\":\"array\",\"items\":" REF("Event") "}}},"
	"\"OperationList\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"operations\",\"next\"],"
	"\"properties\":{\"operations\":{\"type\":\"array\",\"items\":" REF("Operation") "}," NULLABLE("next") "}},"
	"\"Order\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
	"\"validity_seconds\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":604800}}},"
	"\"Problem\":{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\"],\"properties\":{" STRING("type") ","
	STRING("title") ",\"status\":{\"type\":\"integer\"}," STRING("detail") "," STRING("subject_code") ","
	STRING("reason_code") "," STRING("operation") "}}}";

static json_t *ref(const char *name)
{
	return json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", name));
}

static json_t *parameter(const char *name, size_t len, const char *in, bool required)
{
	json_t *schema = json_pack("{s:s}", "type", "string");

	if (len == 5 && !memcmp(name, "limit", 5)) {
		json_object_set_new(schema, "type", json_string("integer"));
		json_object_set_new(schema, "minimum", json_integer(1));
		json_object_set_new(schema, "maximum", json_integer(200));
	}
	return json_pack("{s:o, s:s, s:b, s:o}", "name", json_stringn(name, len), "in", in, "required", required, "schema",
			 schema);
}

static json_t *parameters(const struct json_route *r)
{
	json_t *a = json_array();

	for (const char *p = strchr(r->path, '{'); p; p = strchr(p + 1, '{'))
		json_array_append_new(a, parameter(p + 1, strcspn(p + 1, "}"), "path", true));
	for (const char *q = r->query; q && *q; q += strcspn(q, " "), q += *q == ' ')
		json_array_append_new(a, parameter(q, strcspn(q, " "), "query", false));
	if (r->idempotent)
		json_array_append_new(a, parameter("Idempotency-Key", 15, "header", false));
	return a;
}

static json_t *content(const char *type, json_t *schema)
{
	return json_pack("{s:{s:o}}", type, "schema", schema);
}

static void add_problem(json_t *responses, const char *status, size_t len)
{
	char key[4] = { 0 };

	memcpy(key, status, len < 3 ? len : 3);
	json_object_set_new(responses, key, json_pack("{s:s, s:o}", "description", "Problem", "content",
						      content("application/problem+json", ref("Problem"))));
}

static json_t *responses(const struct json_route *r)
{
	json_t *o = json_object(), *good;
	char key[12];

	add_problem(o, "401", 3);
	add_problem(o, "429", 3);
	for (const char *e = r->errors; *e; e += strcspn(e, " "), e += *e == ' ')
		add_problem(o, e, strcspn(e, " "));
	snprintf(key, sizeof(key), "%u", r->ok);
	if (r->ok >= 400) {
		add_problem(o, key, 3);
		return o;
	}
	good = r->schema ? content("application/json", ref(r->schema)) :
			   content("text/event-stream", json_pack("{s:s}", "type", "string"));
	json_object_set_new(o, key, json_pack("{s:s, s:o}", "description", r->ok == 202 ? "Started" : "Here it is",
					      "content", good));
	return o;
}

static void add_route(json_t *paths, const struct json_route *r)
{
	json_t *path = json_object_get(paths, r->path);
	json_t *o = json_pack("{s:s, s:s, s:o, s:o}", "operationId", r->id, "summary", r->summary, "parameters",
			      parameters(r), "responses", responses(r));
	const char *method = !strcmp(r->method, "GET") ? "get" : !strcmp(r->method, "POST") ? "post" : "delete";

	if (r->body)
		json_object_set_new(o, "requestBody", json_pack("{s:b, s:o}", "required", 0, "content",
								content("application/json", ref("Order"))));
	if (!path) {
		path = json_object();
		json_object_set_new(paths, r->path, path);
	}
	json_object_set_new(path, method, o);
}

char *json_api_document(void *ctx, const struct json_route *routes, size_t n)
{
	json_t *paths = json_object(), *types = json_loads(schemas, 0, NULL), *doc;
	char *text, *copy;

	for (size_t i = 0; i < n; i++)
		add_route(paths, &routes[i]);
	doc = json_pack("{s:s, s:{s:s, s:s}, s:[{s:[]}, {s:[]}], s:o, s:{s:o, s:{s:{s:s, s:s}, s:{s:s}}}}", "openapi",
			"3.1.0", "info", "title", "osmo-smsr", "version", "1", "security", "token", "certificate", "paths",
			paths, "components", "schemas", types, "securitySchemes", "token", "type", "http", "scheme", "bearer",
			"certificate", "type", "mutualTLS");
	text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
	copy = text ? talloc_strdup(ctx, text) : NULL;
	free(text);
	json_decref(doc);
	return copy;
}
