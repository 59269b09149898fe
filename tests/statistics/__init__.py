# noqa: A005 - it mirrors `gonogo.statistics`
