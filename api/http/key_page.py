"""What a browser shows where a key is missing: a page that says where keys come from and how to give one, in place of a problem document."""

from __future__ import annotations

from starlette.types import Scope

MEDIA_TYPE = b"text/html; charset=utf-8"
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Reckon: a key is needed</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:42em;margin:3em auto;padding:0 1em}code{background:#eee;padding:.1em .3em}</style></head>
<body>
<h1>A key is needed</h1>
<p>This is a Reckon API. It answers only to those who send an API key; health alone is open (<a href="/health/ready">/health/ready</a>).</p>
<ol>
<li><b>Where a key comes from:</b> whoever runs this server prints one with
<code>reckon keys create -w WORKSPACE --scope recommend:read --name YOUR-NAME</code>. That of <code>reckon demo</code> lies in the file
<code>demo.key</code> of the demo's folder.</li>
<li><b>To look around:</b> open the <a href="/console">console</a> and sign in with the key.</li>
<li><b>To call the API from this browser:</b> open <a href="/docs">/docs</a>.
When the browser asks for a name and a password, leave the name empty or write anything,
and give <b>the key as the password</b>.</li>
<li><b>On that page:</b> press <b>Authorize</b>, paste the key below &ldquo;bearer&rdquo;, and <b>Try it out</b> on any call.</li>
<li><b>From a program:</b> send the header <code>Authorization: Bearer KEY</code>, or <code>X-API-Key: KEY</code>.</li>
</ol>
<p>Request __REQUEST_ID__</p>
</body>
</html>
"""


def wanted(scope: Scope) -> bool:
    """Say whether it is a browser that asks for a page; programs ask for JSON, or for anything."""
    accept = dict(scope["headers"]).get(b"accept", b"")
    return scope["method"] in ("GET", "HEAD") and b"text/html" in accept


def page(request_id: str) -> bytes:
    """Return the page. Nothing of the request is on it but its id, which is ours."""
    return _PAGE.replace("__REQUEST_ID__", request_id).encode()
