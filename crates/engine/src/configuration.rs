//! ClickHouse's `config.xml`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::{Settings, access};

/// The file, for a server on `address`.
pub(super) fn xml(settings: &Settings, address: SocketAddr) -> String {
    let path = |name: &str| escaped(&settings.path.join(name).display().to_string());
    let element = |name: &str, value: &str| format!("<{name}>{value}</{name}>\n");
    let mut text = String::from("<clickhouse>\n");
    text += &element("listen_host", &address.ip().to_string());
    text += &element("http_port", &address.port().to_string());
    text += &element("users_config", &escaped(&users_file(&settings.path).display().to_string()));
    text += &element("tmp_path", &path("tmp/"));
    text += &element("format_schema_path", &path("format_schemas/"));
    text += &element("user_scripts_path", &path("user_scripts/"));
    text += &element("dictionaries_lib_path", &path("dictionaries_lib/"));
    text += &element("top_level_domains_path", &path("top_level_domains/"));
    text += &element("google_protos_path", &path("google_protos/"));
    text += &element("timezone", "UTC");
    // What the client of this program expects; a connection that is idle also delays the end so long.
    text += &element("keep_alive_timeout", "3");
    let pause = settings.peer_timeout.as_secs().max(1).to_string();
    text += &element("http_receive_timeout", &pause);
    text += &element("http_send_timeout", &pause);
    text += &element("max_connections", "1024");
    // ClickHouse's own limits are made for large servers: up to 5 GiB each.
    for cache in ["mark_cache_size", "index_mark_cache_size", "primary_index_cache_size"] {
        text += &element(cache, &CACHE.to_string());
    }
    if let Some(bytes) = settings.memory_bytes {
        text += &element("max_server_memory_usage", &bytes.to_string());
    }
    text += ACCESS_CONTROL;
    text += HANDLERS;
    text + "</clickhouse>\n"
}

/// Where `users.xml` lies.
pub(super) fn users_file(data: &Path) -> PathBuf {
    access::folder(data).join("users.xml")
}

/// A text as the content of an element.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What is not granted is refused, also where ClickHouse lets everybody in for the sake of older servers.
const ACCESS_CONTROL: &str = "<access_control_improvements>
<enable_read_write_grants>true</enable_read_write_grants>
<enable_user_name_access_type>true</enable_user_name_access_type>
<select_from_information_schema_requires_grant>true</select_from_information_schema_requires_grant>
<select_from_system_db_requires_grant>true</select_from_system_db_requires_grant>
<settings_constraints_replace_previous>true</settings_constraints_replace_previous>
<table_engines_require_grant>true</table_engines_require_grant>
</access_control_improvements>
";

/// `/` runs statements and `/ping` says that the server is there. The pages that ClickHouse has for browsers (`/play`,
/// `/dashboard` …) are not served, and a request that a web page sends is refused: a browser that remembers a password would
/// send it along. A request that a person types has no `Origin`, and `none` for its site; programs send neither field. A
/// rule matches when all of its expressions match the whole of the field, which is empty when there is none.
const HANDLERS: &str = "<http_handlers>
<rule><url>/ping</url><methods>GET,HEAD</methods><handler><type>static</type><status>200</status>\
<content_type>text/plain; charset=UTF-8</content_type><response_content>Ok.\n</response_content></handler></rule>
<rule><url>/</url><methods>GET,HEAD,POST</methods><headers><Origin></Origin><Sec-Fetch-Site>regex:(?i)(none)?</Sec-Fetch-Site></headers>\
<handler><type>dynamic_query_handler</type><query_param_name>query</query_param_name></handler></rule>
<rule><url>/</url><handler><type>static</type><status>403</status>\
<response_content>Requests of web pages are refused.\n</response_content></handler></rule>
</http_handlers>
";

const CACHE: u64 = 256 << 20;
