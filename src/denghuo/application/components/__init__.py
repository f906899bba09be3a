"""Registered parts that page specs may name besides the built-in block kinds: custom components and wall screens (组件登记).

Each is implemented in the browser under the same name: components in `web/src/render/components.ts`, screens in `web/src/screen`.
"""

from denghuo.kernel.problem import Text, text

COMPONENTS: dict[str, Text] = {
    "frame": text("报文逐字段", "Frame by its fields"),
    "walk_map": text("抄表册地图编排", "Map of a walk"),
    "walk_order": text("行走顺序调整", "Order of a walk"),
    "meter_photo": text("表计照片", "Photo of a meter"),
    "readings_upload": text("读数文件上传", "Upload of a file of readings"),
}
SCREENS: dict[str, Text] = {
    "county": text("县域营销大屏", "County screen"),
}
