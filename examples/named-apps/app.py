"""One Flask app for any name, which it is given as NAME. It listens on PORT and ends on SIGTERM."""

import os
import signal
import sys

from flask import Flask, Response, url_for
from waitress import serve
from werkzeug.middleware.proxy_fix import ProxyFix

name = os.environ.get("NAME", "nobody")
app = Flask(__name__)
# The gateway strips /<name> and tells it in X-Forwarded-Prefix: with this, url_for leads back through the gateway.
app.wsgi_app = ProxyFix(app.wsgi_app, x_prefix=1)


def plain(text):
    return Response(text, mimetype="text/plain")


@app.get("/")
def home():
    return plain(f"This is {name}. It tells its name at {url_for('tell_name')}\n")


@app.get("/name")
def tell_name():
    return plain(f"{name}\n")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    serve(app, host="0.0.0.0", port=int(os.environ.get("PORT", "8000")))
