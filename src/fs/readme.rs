//! The README of the tree.

/// Twenty lines that let a newcomer use the tree without leaving it.
pub(super) const README: &str = "\
This directory is a catalog of removable media. Every operation is a file operation.
pools/ holds the media, media/ finds them by name, logical/ holds what was allocated, named by LMID.
Make a pool:        mkdir pools/Backup; echo LTO-8 > pools/Backup/media_type
                    echo 1 > pools/Backup/allocate_from_free
Bring media:        mkdir libraries/L; write its driver, then 1 to enabled
                    echo 'A00001L8 barcode=A00001L8 slot=L/4' > pools/Backup/import
Get a medium:       exec 3<>pools/Backup/allocate; echo timeout=60s >&3; read -r lmid <&3
                    case $lmid in 0x*) echo refused: \"$lmid\";; *) ls logical/\"$lmid\";; esac
Exactly once:       echo timeout=60s > pools/Backup/requests/job-42
                    lmid=$(cat pools/Backup/results/job-42)    # waits; run it again after a crash
Why not?            cat pools/Backup/why; cat last-error
Mount it:           echo \"mount media=$lmid\" > libraries/L/requests/a; cat libraries/L/results/a
Take it out:        echo \"dismount media=$lmid\" > libraries/L/requests/b
No more writing:    echo complete > \"logical/$lmid/state\"
Give it back:       rmdir \"logical/$lmid\"
Move a medium:      mv pools/Import/pools/LTO-8/media/A00001L8 pools/Backup/media/
Ask and answer:     echo message hello > ask; ls operator; echo complete > operator/NUMBER/state
See everything:     cat status; tail -f history; cat events; a browser shows status.html
Rights:             r-x on a pool: use it. w: change it. w on its allocate: take and give media.
Beware: rm -r cancels requests it meets; find -delete also removes pools, media and allocations.
";
