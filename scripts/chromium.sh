#!/usr/bin/env bash
# Chromium and a Chinese font for the browser tests: the system's, else Debian's package where it may be installed, else Playwright's.
set -euo pipefail
cd "$(dirname "$0")/.."
browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
font() { command -v fc-list >/dev/null && fc-list :lang=zh family | grep -q .; }
if browser >/dev/null && font; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk fontconfig >/dev/null
elif ! browser >/dev/null; then
  .venv/bin/playwright install chromium
fi
font || echo "No Chinese font was found: pages are tested, but their Chinese text has no shapes (install fonts-noto-cjk)." >&2
