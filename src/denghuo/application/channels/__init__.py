"""Channels (渠道): the built browser side, served beside the API: workbench, phone page, field reading and wall screen."""

from denghuo.application.channels.assets import Assets, built_folder, serve

__all__ = ["Assets", "built_folder", "serve"]
