#!/usr/bin/env bash
# What the tests need beside the project's own packages: Chromium with a Chinese font, a packaged PostgreSQL, a second MQTT broker.
# The system's where it is there, else Debian's packages where they may be installed, else Playwright's own Chromium.
set -euo pipefail
cd "$(dirname "$0")/.."
browser() { command -v chromium-headless-shell || command -v chromium || command -v chromium-browser || command -v google-chrome; }
font() { command -v fc-list >/dev/null && fc-list :lang=zh family | grep -q .; }
postgres() { compgen -G "/usr/lib/postgresql/*/bin/initdb"; }
broker() { command -v mosquitto; }

wanted=()
browser >/dev/null || wanted+=(chromium)
font || wanted+=(fonts-noto-cjk fontconfig)
postgres >/dev/null || wanted+=(postgresql)
broker >/dev/null || wanted+=(mosquitto)
if [ ${#wanted[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # Its shell is Chromium without the windows that nobody sees here: smaller, and a seventh less work for the machine.
  apt-cache show chromium-headless-shell >/dev/null 2>&1 && wanted=("${wanted[@]/%chromium/chromium-headless-shell}")
  apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
fi
browser >/dev/null || .venv/bin/playwright install chromium
font || echo "No Chinese font is installed (fonts-noto-cjk): pages and papers are tested without the shapes of their text." >&2
postgres >/dev/null || echo "No packaged PostgreSQL is installed (postgresql): the path over a DSN is not tested." >&2
broker >/dev/null || echo "No Mosquitto is installed (mosquitto): MQTT is tested with the broker of the packages alone." >&2
