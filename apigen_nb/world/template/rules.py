"""The part of policy.md that code can check. Each rule looks at one executed call, `step`, and says whether it holds;
its docstring is what people and models are shown when it is broken.

`step` knows the call (`step.name`, `step.arguments`, `step.result`), the database before and after it (`step.before`,
`step.after`), whom it is done for (`step.user`) and the calls before it in the same conversation (`step.earlier`).

To change: one function for each sentence of the policy that forbids something the tools would do.
"""

from __future__ import annotations

from apigen_nb import Step, rule


@rule("renew_loan")
def reserved_loan_goes_back(step: Step) -> bool:
    """A loan that somebody else has reserved is not renewed."""
    loan = step.before["loans"][step.arguments["loan_id"]]
    return not loan["reserved"]


# Two more that this library could have:
#     whose loan it is        return loan["member_id"] == step.user
#     once in a conversation  return not any(earlier.name == step.name for earlier in step.earlier)
