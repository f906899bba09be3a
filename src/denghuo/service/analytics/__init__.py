"""Analysis (营销分析): the company's figures from the warehouse, each defined once; the wall screen's picture of the county."""
